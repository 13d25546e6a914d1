#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One SMTP session, printed byte for byte as the client sends and sees it.

    demo.py SERVER TITLE FILE

The mail goes to FILE, too, with a body of its own. Where the server offers
STARTTLS the session goes on inside TLS. A line that is not ASCII text would
show as escapes; CR LF ends every line and is left out.
"""
import base64
import os
import re
import socket
import ssl
import sys

COLOUR = bool(os.environ.get("SMTPFIXUP_COLOUR"))


def show(who, data):
    for line in data.split(b"\r\n"):
        text = line.decode("ascii", "backslashreplace")
        if COLOUR:
            text = re.sub(r"(\*{2,}|X{3,}[A-Z]?)", "\033[31m\\1\033[0m", text)
            who_shown = "\033[2m%s\033[0m" % who if who == "C:" else who
        else:
            who_shown = who
        print("   %s %s" % (who_shown, text), flush=True)


class Session:
    def __init__(self, server):
        self.sock = socket.create_connection((server, 25), timeout=60)
        self.buffer = b""

    def line(self):
        while b"\r\n" not in self.buffer:
            piece = self.sock.recv(4096)
            if not piece:
                sys.exit("the server hung up")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
        show("S:", b"\r\n".join(lines))
        return lines

    def say(self, text, shown=None):
        show("C:", shown or text)
        self.sock.sendall(text + b"\r\n")
        return self.reply()

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)
        print("   -- %s, %s from here on" % (self.sock.version(), self.sock.cipher()[0]))


def main():
    server, title, path = sys.argv[1:]
    body = ["A mail sent with: " + title, "EXPN root", ".a line with a dot", "X" * 20]
    body.append(base64.b64encode(os.urandom(48)).decode())
    mail = ["From: a@example.org", "To: b@example.org", "Subject: " + title,
            "X-Test: " + os.urandom(8).hex(), ""] + body
    with open(path, "w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in mail)

    session = Session(server)
    session.reply()
    offer = session.say(b"EHLO client.example")
    if not offer[0].startswith(b"250"):
        session.say(b"HELO client.example")
    session.say(b"VRFY b@example.org")
    session.say(b"EXPN staff")
    if session.say(b"STARTTLS")[0].startswith(b"220"):
        session.start_tls()
        session.say(b"EHLO client.example")
    session.say(b"MAIL FROM:<a@example.org>")
    session.say(b"RCPT TO:<b@example.org>")
    if not session.say(b"DATA")[0].startswith(b"354"):
        sys.exit("DATA was refused")
    wire = "\r\n".join(("." if line.startswith(".") else "") + line for line in mail)
    if not session.say(wire.encode() + b"\r\n.", b"(the mail)\r\n.")[0].startswith(b"250"):
        sys.exit("the mail was refused")
    session.say(b"QUIT")


if __name__ == "__main__":
    main()
