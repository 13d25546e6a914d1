// SPDX-License-Identifier: GPL-2.0-only

// gosmtpd ADDRESS: a mail server made of Debian's go-smtp.
package main

import (
	"errors"
	"io"
	"log"
	"os"

	"github.com/emersion/go-smtp"
)

type backend struct{}

func (backend) Login(_ *smtp.ConnectionState, _, _ string) (smtp.Session, error) {
	return nil, errors.New("no such user")
}

func (backend) AnonymousLogin(_ *smtp.ConnectionState) (smtp.Session, error) {
	return session{}, nil
}

type session struct{}

func (session) Reset()                                 {}
func (session) Logout() error                          { return nil }
func (session) Mail(_ string, _ smtp.MailOptions) error { return nil }
func (session) Rcpt(_ string) error                    { return nil }
func (session) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func main() {
	server := smtp.NewServer(backend{})
	server.Addr = os.Args[1]
	server.Domain = "go.example"
	server.AllowInsecureAuth = true
	log.Fatal(server.ListenAndServe())
}
