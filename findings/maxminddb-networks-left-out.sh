#!/bin/bash
# maxminddb-golang's Networks passes over networks that are no aliases, if the database has one record for all of IPv4: every network of
# IPv6 with the same record is left out too, although a look-up of an address in it finds the record. Who copies a database by walking
# it loses half of IPv6.
#
# Guess before: only networks that point to the IPv4 part of the tree (2002::/16 and the like) are left out as aliases.
# Seen with github.com/oschwald/maxminddb-golang/v2 v2.9.0 and github.com/maxmind/mmdbwriter v1.2.0, Go 1.26.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/maxminddb-golang/v2"
)

func main() {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "test", DisableIPv4Aliasing: true, IncludeReservedNetworks: true})
	must(err)
	for network, value := range map[string]string{"::/1": "a", "8000::/1": "a"} {
		_, n, err := net.ParseCIDR(network)
		must(err)
		must(tree.Insert(n, mmdbtype.Map{"value": mmdbtype.String(value)}))
	}
	_, other, err := net.ParseCIDR("::1:0:0/96")
	must(err)
	must(tree.Insert(other, mmdbtype.Map{"value": mmdbtype.String("b")}))
	var b bytes.Buffer
	_, err = tree.WriteTo(&b)
	must(err)
	reader, err := maxminddb.OpenBytes(b.Bytes())
	must(err)
	address, walked := netip.MustParseAddr("2a00::1"), false
	for result := range reader.Networks() {
		fmt.Println("walked", result.Prefix())
		walked = walked || result.Prefix().Contains(address)
	}
	var found struct {
		Value string `maxminddb:"value"`
	}
	must(reader.Lookup(address).Decode(&found))
	fmt.Printf("look-up of %s: %q, in a network that was walked: %v\n", address, found.Value, walked)
	if found.Value != "a" || walked {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/oschwald/maxminddb-golang/v2@v2.9.0 github.com/maxmind/mmdbwriter@v1.2.0 >/dev/null 2>&1
go list -m github.com/oschwald/maxminddb-golang/v2 github.com/maxmind/mmdbwriter
go run .
