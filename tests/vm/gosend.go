// SPDX-License-Identifier: GPL-2.0-only

// gosend SERVER FILE...: Go's net/smtp sends each file by a connection of its own.
package main

import (
	"log"
	"net/smtp"
	"os"
)

func main() {
	for _, name := range os.Args[2:] {
		text, err := os.ReadFile(name)
		if err == nil {
			err = smtp.SendMail(os.Args[1], nil, "a@example.org",
				[]string{"b@example.org"}, text)
		}
		if err != nil {
			log.Fatal(name, ": ", err)
		}
	}
}
