// Command bareserver reads requests, does nothing with them and answers as the collector does, until it is interrupted: what net/http
// alone costs on a machine, which bounds what any program behind it can take. Its argument is the address on which it listens.
package main

import (
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
)

func main() {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(answer)}
	go func() {
		<-interrupted
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the client is gone
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"accepted":20}`) // likewise
}
