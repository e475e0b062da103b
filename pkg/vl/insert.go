package vl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/klauspost/compress/gzip"

	"github.com/streamlens/streamlens/pkg/play"
)

// MaxLines is how many records go at once.
const MaxLines = 5_000

// insertPath takes lines of JSON.
const insertPath = "/insert/jsonline?_stream_fields=" + play.StreamFields

// ErrForm means that lines are not what VictoriaLogs would store, so that nothing was sent: it drops them with status 200.
var ErrForm = errors.New("a line is no record that VictoriaLogs would keep")

// CheckLine returns an ErrForm if VictoriaLogs would drop the line, or others because of it.
func CheckLine(line []byte) error {
	if len(line) > play.MaxLine {
		return fmt.Errorf("%w: it has %d bytes, more than %d", ErrForm, len(line), play.MaxLine)
	}
	if !bytes.HasSuffix(line, []byte("}\n")) || bytes.IndexByte(line, '\n') != len(line)-1 {
		return fmt.Errorf("%w: it is no line of JSON", ErrForm)
	}
	if _, err := play.KeyOf(line); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	return nil
}

// Insert writes records as play.Record.Line makes them, and returns when VictoriaLogs has taken them, which is not yet durable. After an
// error it is unknown which of them it has: ask before sending any again. After an ErrForm nothing was sent.
func (c *Client) Insert(ctx context.Context, lines [][]byte) error {
	if len(lines) == 0 {
		return nil
	}
	if len(lines) > MaxLines {
		return fmt.Errorf("%w: %d lines at once, more than %d", ErrForm, len(lines), MaxLines)
	}
	var body bytes.Buffer
	z, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := CheckLine(line); err != nil {
			return err
		}
		if _, err := z.Write(line); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	// Of another content type it stores nothing, and says nothing.
	_, err = c.send(ctx, http.MethodPost, insertPath, "application/stream+json", body.Bytes(), "Content-Encoding", "gzip")
	return err
}

// Flush makes VictoriaLogs show what it has taken.
func (c *Client) Flush(ctx context.Context) error {
	_, err := c.send(ctx, http.MethodGet, "/internal/force_flush", "", nil)
	return err
}
