#!/bin/bash
# golang-jwt verifies HS256 with an empty secret: where the secret of a configuration is not set, a token that anybody signs with nothing is
# valid. An untyped nil is refused, an empty []byte and one that is nil are not.
#
# Guess before: an empty key is refused, as RFC 7518 wants 256 bits for HS256.
# Seen with github.com/golang-jwt/jwt/v5 v5.3.1, Go 1.26.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/golang-jwt/jwt/v5"
)

func main() {
	part := base64.RawURLEncoding.EncodeToString
	signed := part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(`{"sub":"anybody"}`))
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte(signed))
	forged := signed + "." + part(mac.Sum(nil))
	valid := func(key any) bool {
		_, err := jwt.Parse(forged, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"HS256"}))
		fmt.Printf("%T %v: %v\n", key, key, err)
		return err == nil
	}
	if !valid([]byte("")) || !valid([]byte(nil)) || valid(nil) || valid([]byte("a secret")) {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/golang-jwt/jwt/v5@v5.3.1 >/dev/null 2>&1
go list -m github.com/golang-jwt/jwt/v5
go run .
