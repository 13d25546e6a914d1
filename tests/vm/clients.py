#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every client that Debian and npm have sends mail through every policy (T3, T4).

Over a network that loses, duplicates and reorders each mail arrives once, as it
was sent; no connection is reset by us; and none takes longer than 1.5 times what
it takes by a port without a policy, and a second. Started by clients.sh.
"""
import argparse
import base64
import collections
import hashlib
import os
import random
import re
import smtplib
import socket
import subprocess
import sys
import threading
import time

import suite
from net import SERVER, SLOWER, Inside, Mismatch, counters, tool
from suite import test

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--mails", type=int, default=3, help="by each client and policy")
PARSER.add_argument("--long", action="store_true", help="all clients, all policies")
PARSER.add_argument("--only", action="append", help="clients with this in their name; repeatable")
ARGS = PARSER.parse_args()
MAILS = ARGS.mails
PATIENCE = (300 if ARGS.long else 100) * SLOWER
ROUNDS = 3      # a loss more or less is chance, what takes long each time is not
ADDRESS = SERVER[4]
MTA = os.environ["MTA"]
NPM = os.environ["NPM"]
TMP = "/tmp/clients"
# Port 2500 has no policy
POLICIES = {
    2500: "off", 2501: "fixup", 2502: "esmtp", 2503: "mailhost",
    2504: "esmtp banner text mx.example.org,ESMTP ehlo strip reject noop", 2505: "esmtp strict",
    2506: "asa", 2507: "pix-4.4", 2508: "esmtp tls allow",
}
EVERY_DAY = (2500, 2501, 2502, 2504)


# -- the server -------------------------------------------------------------

class Sink(threading.Thread):
    """Takes CRLF and LF for a line end, as Postfix does; mails by number."""

    def __init__(self, port):
        super().__init__(daemon=True)
        with Inside("server"):
            self.sock = socket.create_server(("0.0.0.0", port), backlog=100)
        self.got = collections.Counter()
        self.start()

    def run(self):
        while True:
            sock = self.sock.accept()[0]
            threading.Thread(target=self.session, args=(sock,), daemon=True).start()

    def session(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = sock.makefile("rb")

        def say(text):
            sock.sendall(text + b"\r\n")
        try:
            say(b"220 sink.example ESMTP")
            for line in file:
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    say(b"354 go")
                    self.take(file)
                    say(b"250 2.0.0 Ok")
                elif verb == b"EHLO":
                    say(b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 10000000\r\n250 8BITMIME")
                elif verb in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                    say(b"250 2.0.0 Ok")
                elif verb == b"QUIT":
                    say(b"221 2.0.0 Bye")
                    break
                else:
                    say(b"500 5.5.2 unrecognized")
        except OSError:
            pass
        sock.close()

    def take(self, file):
        lines = []
        for line in file:
            line = line.rstrip(b"\r\n")
            if line == b".":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        else:
            return
        head, body = lines, []
        if b"" in lines:
            at = lines.index(b"")
            head, body = lines[:at], lines[at + 1:]
        number = [line for line in head if line.lower().startswith(b"subject: mail ")]
        while body and not body[-1]:    # some add an empty line
            body.pop()
        self.got[number[0][14:].decode() if number else "?", digest(body)] += 1


def digest(lines):
    return hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


# -- the mails --------------------------------------------------------------

SERIAL = iter(range(1, 1 << 30))


class Mail:
    """Lines of 200 octets to 40 KB, with dots and SMTP's own words."""

    def __init__(self):
        self.number = str(next(SERIAL))
        source = random.Random(int(self.number))
        size = int(200 * 200 ** source.random())
        self.body = []
        while size > 0:
            self.body.append(source.choice(("", ".", "..", ".dot", "EXPN root", "QUIT", "DATA",
                                            "250 STARTTLS", "354 go")))
            self.body.append(base64.b64encode(source.randbytes(source.randrange(400))).decode())
            size -= len(self.body[-1]) + len(self.body[-2])
        self.body.append("end")
        self.lines = ["From: a@example.org", "To: b@example.org",
                      "Subject: mail " + self.number, "", *self.body]
        self.key = self.number, digest([line.encode() for line in self.body])

    def text(self, end="\n"):
        return "".join(line + end for line in self.lines)

    def wire(self, end=b"\r\n"):
        """As it is between DATA's reply and the final dot."""
        return b"".join((b"." if line.startswith(".") else b"") + line.encode() + end
                        for line in self.lines)

    def file(self, end="\n"):
        name = "%s/%s" % (TMP, self.number)
        with open(name, "w", encoding="ascii", newline="") as file:
            file.write(self.text(end))
        return name


# -- the clients ------------------------------------------------------------

CLIENTS = {}


def client(name, every_day=False, sloppy=False, ehlo=False):
    """A function that sends mails to a port. sloppy: strict does not take it. ehlo: nor does
    what refuses EHLO."""
    def mark(function):
        CLIENTS[name] = function, every_day, sloppy, ehlo
        return function
    return mark


def run(*words, stdin=None, env=None):
    """A program of the farm's packages, in the client's namespaces."""
    done = subprocess.run(["nsenter", "--net=/run/netns/client", "--mount=/run/clients.mnt", *words],
                          input=stdin, capture_output=True, timeout=PATIENCE, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                               "LANG": "C.UTF-8", **(env or {})})
    if done.returncode:
        raise Mismatch("%s: status %d: %s" % (
            " ".join(words)[:200], done.returncode,
            (done.stdout + done.stderr).decode(errors="replace")[-600:]))
    return done.stdout


@client("Python's smtplib", every_day=True)
def _(port, mails):
    with Inside("client"):
        smtp = smtplib.SMTP(ADDRESS, port, "client.example", timeout=PATIENCE)
    for mail in mails:
        smtp.sendmail("a@example.org", ["b@example.org"], mail.text())
    smtp.quit()


@client("aiosmtplib")
def _(port, mails):
    run("/usr/bin/python3", "-c", """if True:
        import aiosmtplib, asyncio, sys
        async def main():
            smtp = aiosmtplib.SMTP(hostname=sys.argv[1], port=int(sys.argv[2]), timeout=300,
                                   start_tls=False) if "start_tls" in \\
                aiosmtplib.SMTP.__init__.__code__.co_varnames else \\
                aiosmtplib.SMTP(hostname=sys.argv[1], port=int(sys.argv[2]), timeout=300)
            await smtp.connect()
            for name in sys.argv[3:]:
                await smtp.sendmail("a@example.org", ["b@example.org"], open(name).read())
            await smtp.quit()
        asyncio.run(main())""", ADDRESS, str(port), *(mail.file() for mail in mails))


@client("swaks --pipeline")
def _(port, mails):
    for mail in mails:
        run("swaks", "--server", ADDRESS, "--port", str(port), "--pipeline", "--timeout", "200",
            "--from", "a@example.org", "--to", "b@example.org", "--helo", "client.example",
            "--data", "@" + mail.file())


@client("curl", every_day=True)
def _(port, mails):
    for mail in mails:
        run("curl", "-sS", "--mail-from", "a@example.org", "--mail-rcpt", "b@example.org",
            "-T", mail.file("\r\n"), "smtp://%s:%d/client.example" % (ADDRESS, port))


@client("msmtp")
def _(port, mails):
    for mail in mails:
        run("msmtp", "--host=" + ADDRESS, "--port=%d" % port, "--from=a@example.org",
            "--tls=off", "--auth=off", "b@example.org", stdin=mail.text().encode())


@client("Go's net/smtp", every_day=True)
def _(port, mails):
    run(MTA + "/bin/gosend", "%s:%d" % (ADDRESS, port), *(mail.file("\r\n") for mail in mails))


@client("nodemailer pool")
def _(port, mails):
    run("node", "-e", """
        const pool = require(process.argv[1] + "/node_modules/nodemailer").createTransport({
          pool: true, maxConnections: 2, host: process.argv[2], port: +process.argv[3],
          secure: false, ignoreTLS: true});
        const fs = require("fs");
        Promise.all(process.argv.slice(4).map(name => pool.sendMail({
          envelope: {from: "a@example.org", to: ["b@example.org"]}, raw: fs.readFileSync(name)})))
          .then(() => pool.close(), error => { console.error(error); process.exit(1); });
        """, NPM, ADDRESS, str(port), *(mail.file("\r\n") for mail in mails))


@client("PHPMailer")
def _(port, mails):
    run("php8.2", "-d", "extension=ctype.so", "-r", """
        foreach (["Exception", "SMTP"] as $class)
            require "/usr/share/php/libphp-phpmailer/src/$class.php";
        $smtp = new PHPMailer\\PHPMailer\\SMTP();
        $smtp->connect($argv[1], (int)$argv[2], 300) or exit(1);
        $smtp->hello("client.example") or exit(2);
        foreach (array_slice($argv, 3) as $name) {
            $smtp->mail("a@example.org") && $smtp->recipient("b@example.org") &&
                $smtp->data(file_get_contents($name)) or exit(3);
        }
        $smtp->quit();""", "--", ADDRESS, str(port), *(mail.file() for mail in mails))


@client("s-nail")
def _(port, mails):
    for mail in mails:
        run("s-nail", "-:/", "-Sv15-compat", "-Smta=smtp://%s:%d" % (ADDRESS, port),
            "-Ssmtp-auth=none", "-Shostname=client.example", "-Sfrom=a@example.org",
            "-Smime-encoding=8bit", "-Ssendwait", "-s", "mail " + mail.number, "b@example.org",
            stdin="".join(line + "\n" for line in mail.body).encode())


# It does not say HELO where its EHLO is refused, as RFC 5321, 3.2 asks: docs/rules.md V1
@client("dma", ehlo=True)
def _(port, mails):
    run("/bin/sh", "-c", "mkdir -p /var/spool/dma && printf '%s\\n' 'SMARTHOST $0' 'PORT $1' "
        "'SPOOLDIR /var/spool/dma' 'MAILNAME client.example' >/etc/dma/dma.conf"
        .replace("$0", ADDRESS).replace("$1", str(port)))
    for mail in mails:
        run("dma", "-D", "-i", "-f", "a@example.org", "b@example.org", stdin=mail.text().encode())


@client("nullmailer")
def _(port, mails):
    run("/bin/sh", "-c", "mkdir -p /etc/nullmailer && echo '%s smtp --port=%d' >/etc/nullmailer/remotes"
        " && echo client.example >/etc/mailname && echo 1 >/etc/nullmailer/pausetime"
        " && cd /var/spool/nullmailer && { [ -p trigger ] || mkfifo trigger; }" % (ADDRESS, port))
    for mail in mails:
        run("nullmailer-inject", "-f", "a@example.org", "b@example.org", stdin=mail.text().encode())
    run("/bin/sh", "-c", "timeout -s KILL 600 nullmailer-send >/tmp/nullmailer.log 2>&1 & "
        "while [ -n \"$(ls /var/spool/nullmailer/queue)\" ]; do sleep 0.1; done; kill -9 $!")


@client("Exim")
def _(port, mails):
    conf = "/etc/exim4/client.conf"
    run("/bin/sh", "-c", """id Debian-exim || useradd --system --no-create-home Debian-exim
install -d -o Debian-exim -g Debian-exim /var/spool/exim-client && cat >%s <<-END
primary_hostname = client.example
spool_directory = /var/spool/exim-client
log_file_path = /var/spool/exim-client/%%slog
exim_user = Debian-exim
exim_group = Debian-exim
queue_only = true
begin routers
all:
  driver = manualroute
  route_list = * %s
  transport = smtp
begin transports
smtp:
  driver = smtp
  port = %d
  hosts_avoid_tls = *
begin retry
* * F,1h,1s
END
chmod 644 %s""" % (conf, ADDRESS, port, conf))
    for mail in mails:
        run("exim4", "-C", conf, "-odq", "-i", "-f", "a@example.org", "b@example.org",
            stdin=mail.text().encode())
    for _ in range(20):
        run("exim4", "-C", conf, "-qqff")
        if not run("exim4", "-C", conf, "-bp").strip():
            return
    raise Mismatch("Exim keeps mail: %s" % run("tail", "/var/spool/exim-client/mainlog").decode())


# What the daemons of clients.sh send by which domain: pPORT.example.org
def by_daemon(local_port):
    def send(port, mails):
        with Inside("client"):
            smtp = smtplib.SMTP("127.0.0.1", local_port, "client.example", timeout=PATIENCE)
        for mail in mails:
            smtp.sendmail("a@example.org", ["b@p%d.example.org" % port], mail.text())
        smtp.quit()
    return send


client("Postfix, connection cache")(by_daemon(2525))
client("OpenSMTPD")(by_daemon(2526))
client("Sendmail")(by_daemon(2527))


class Raw:
    """A socket, and replies."""

    def __init__(self, port):
        with Inside("client"):
            self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(PATIENCE)
        self.sock.connect((ADDRESS, port))
        self.file = self.sock.makefile("rb")

    def replies(self, *codes):
        for want in codes:
            line = self.file.readline()
            while line[3:4] == b"-":
                line = self.file.readline()
            if line[:3].decode() != want:
                raise Mismatch("%r, wanted %s" % (line, want))


START = (b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n")


@client("line by line, transactions pipelined", every_day=True)
def _(port, mails):
    """RFC 2920: the next MAIL stands right behind the final dot."""
    raw = Raw(port)
    raw.replies("220")
    raw.sock.sendall(b"HELO client.example\r\n" + b"".join(START))
    raw.replies("250", "250", "250", "354")
    for at, mail in enumerate(mails):
        for line in mail.wire().splitlines(True):
            raw.sock.sendall(line)
        raw.sock.sendall(b".\r\n")
        if at + 1 < len(mails):
            raw.sock.sendall(b"RSET\r\n" + b"".join(START))
            raw.replies("250", "250", "250", "250", "354")
        else:
            raw.sock.sendall(b"QUIT\r\n")
            raw.replies("250", "221")


@client("LF alone", every_day=True, sloppy=True)
def _(port, mails):
    raw = Raw(port)
    raw.replies("220")
    for line in (b"HELO client.example\n",):
        raw.sock.sendall(line)
        raw.replies("250")
    for mail in mails:
        for line in START[:2]:
            raw.sock.sendall(line.replace(b"\r", b""))
            raw.replies("250")
        raw.sock.sendall(b"DATA\n")
        raw.replies("354")
        raw.sock.sendall(mail.wire(b"\n") + b".\n")
        raw.replies("250")
    raw.sock.sendall(b"QUIT\n")
    raw.replies("221")


@client("everything in one write", every_day=True, sloppy=True)
def _(port, mails):
    raw = Raw(port)
    data = b"HELO client.example\r\n" + b"".join(
        b"".join(START) + mail.wire() + b".\r\n" for mail in mails) + b"QUIT\r\n"
    threading.Thread(target=raw.sock.sendall, args=(data,), daemon=True).start()
    raw.replies("220", "250", *("250", "250", "354", "250") * len(mails), "221")


# -- what is asked of them --------------------------------------------------

SINKS = {}


def resets():
    """RSTs that the router made itself."""
    with Inside("router"):
        text = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True,
                              check=True).stdout
    return int(re.search(r"rst counter packets (\d+)", text)[1])


def carry(name, port):
    """Seconds until MAILS mails of the client have arrived by the port."""
    mails = [Mail() for _ in range(MAILS)]
    sink = SINKS[port]
    want = collections.Counter(mail.key for mail in mails)
    began = time.monotonic()
    CLIENTS[name][0](port, mails)
    while time.monotonic() - began < PATIENCE and \
            any(sink.got[key] < number for key, number in want.items()):
        time.sleep(0.02)
    took = time.monotonic() - began
    got = collections.Counter({key: sink.got[key] for key in list(sink.got)
                               if key[0] in {mail.number for mail in mails}})
    if got != want:
        raise Mismatch("%s by %s: missing or changed: %s; too many: %s" % (
            name, POLICIES[port], sorted(number for number, _ in want - got),
            sorted(number for number, _ in got - want)))
    return took


def compare(name):
    ports = [port for port in POLICIES if ARGS.long or port in EVERY_DAY]
    _, _, sloppy, ehlo = CLIENTS[name]
    if sloppy:
        ports = [port for port in ports if "strict" not in POLICIES[port] and
                 not POLICIES[port].startswith("asa")]
    if ehlo:
        ports = [port for port in ports if POLICIES[port] not in ("fixup", "pix-4.4")]
    before = resets()
    best, troubles = {}, []
    for number in range(ROUNDS):
        late = [port for port in ports[1:] if port not in best or
                best[port] > 1.5 * best[ports[0]] + SLOWER]
        if not late:
            break
        for port in [ports[0], *late]:
            try:
                took = carry(name, port)
                best[port] = took if port not in best else (min, max)[port == ports[0]](
                    took, best[port])
            except (Mismatch, OSError, smtplib.SMTPException, subprocess.TimeoutExpired) as error:
                troubles.append("%s: %s" % (POLICIES[port], error))
                if number or port == ports[0]:
                    raise Mismatch("\n".join(troubles)) from None
    print("      | " + ", ".join("%s %.1f s" % (POLICIES[port].split(" b")[0], best[port])
                                 for port in ports if port in best))
    for port in ports[1:]:
        if port in best and best[port] > 1.5 * best[ports[0]] + SLOWER:
            troubles.append("%s: %.1f s, without the filter %.1f s" % (
                POLICIES[port], best[port], best[ports[0]]))
    if resets() != before:
        troubles.append("%d RSTs of ours" % (resets() - before))
    if troubles:
        raise Mismatch("\n".join(troubles))


def add_tests():
    for name, (_, every_day, *_) in CLIENTS.items():
        wanted = not ARGS.only or any(word in name for word in ARGS.only)
        if wanted and (ARGS.long or every_day):
            test("T3 T4 D9", "%s, %d mails by each policy, each once" % (name, MAILS),
                 families=(4,))(lambda _family, name=name: compare(name))

    @test("T3", "no connection was given up", families=(4,))
    def _(_family):
        bad = {}
        for port, values in counters().items():
            for name in ("connections_desynchronised", "body_rewrites_refused"):
                if values.get(name):
                    bad[port, name] = values[name]
        if bad:
            raise Mismatch("%r" % bad)


if __name__ == "__main__":
    os.makedirs(TMP, exist_ok=True)
    for one, policy in POLICIES.items():
        tool("set", str(one), *(word.replace(",", " ") for word in policy.split()))
        SINKS[one] = Sink(one)
    add_tests()
    suite.LIMIT = (max(240, 40 * MAILS) + 2 * PATIENCE) * SLOWER
    sys.exit(suite.run())
