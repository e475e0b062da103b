package geoip

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"unicode/utf8"
)

// sniffed is how much of the beginning and the end of a file tells what it is.
const sniffed = 1024

// format says in words what a file is that is no MaxMind DB, or what is wrong with it; "" if that is unknown.
func format(path string, content []byte) string {
	marked := bytes.Contains(content, []byte("\xab\xcd\xefMaxMind.com"))
	begin, end := content[:min(len(content), sniffed)], content[max(len(content)-sniffed, 0):]
	switch text := bytes.TrimSpace(bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf"))); {
	case len(content) == 0:
		return "the file is empty"
	case bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		if isTar(unzipped(content)) {
			return "it is a compressed archive (tar.gz): unpack it with tar -xzf, and name the .mmdb file in it"
		}
		return "it is compressed with gzip: unpack it with gunzip"
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")):
		return "it is a ZIP archive: unpack it with unzip, and name the .mmdb file in it"
	case bytes.HasPrefix(begin, []byte("\xfd7zXZ\x00")):
		return "it is compressed with xz: unpack it with unxz"
	case bytes.HasPrefix(begin, []byte("BZh")):
		return "it is compressed with bzip2: unpack it with bunzip2"
	case bytes.HasPrefix(begin, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "it is compressed with zstd: unpack it with unzstd"
	case isTar(begin):
		return "it is an archive (tar): unpack it with tar -xf, and name the .mmdb file in it"
	case bytes.HasPrefix(text, []byte("<")):
		return "it is a page (HTML or XML), perhaps the error message of a download"
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return "it is JSON, perhaps the error message of a download; the database has to be in MaxMind's format (.mmdb)"
	case bytes.HasPrefix(text, []byte("version https://git-lfs")):
		return "it is a pointer of Git LFS, not the file: git lfs pull gets that"
	case isText(begin):
		return "it is a text, perhaps the error message of a download, or CSV; the database has to be in MaxMind's format (.mmdb)"
	// Before the marker of its structure, near the end, a file of the old format has its name: GEO-106FREE 20180327 Build.
	case bytes.Contains(end, []byte("\x00\x00\x00GEO-")), filepath.Ext(path) == ".dat" && !marked:
		return "it has MaxMind's format of before 2018 (.dat), which ended then: get the same database as .mmdb"
	case !marked:
		return "it is no MaxMind DB (.mmdb), or its end is missing, as after a download that broke off"
	}
	return ""
}

// unzipped returns the beginning of what is compressed.
func unzipped(content []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil
	}
	begin := make([]byte, sniffed)
	n, _ := io.ReadFull(z, begin) // there may be less, and be it broken
	return begin[:n]
}

// isTar reports whether a file begins as POSIX archives do.
func isTar(begin []byte) bool { return len(begin) > 262 && string(begin[257:262]) == "ustar" }

// isText reports whether a file begins as UTF-8 without control characters does.
func isText(begin []byte) bool {
	for len(begin) > 0 {
		r, size := utf8.DecodeRune(begin)
		if r == utf8.RuneError && size == 1 && len(begin) >= utf8.UTFMax || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		begin = begin[size:]
	}
	return true
}
