package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/config"
)

// readyTimeout is how long the collector may take to say whether it is ready: it asks its database.
const readyTimeout = 10 * time.Second

func readyCommand() *cobra.Command {
	var path, url string
	command := &cobra.Command{
		Use:   "ready",
		Short: "Ask the running collector whether it is ready, for health checks of containers",
		Long: "Ask the running collector whether it is ready, as /readyz says it. It ends with 0 if it is, and with 1 and the reason if it is " +
			"not. Images without a shell and curl need it for health checks.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			client := &http.Client{Timeout: readyTimeout}
			if url == "" {
				if client, url, err = reachCollector(c); err != nil {
					return err
				}
			}
			request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, url+"/readyz", http.NoBody)
			if err != nil {
				return fmt.Errorf("--url: %w", err)
			}
			response, err := client.Do(request)
			if err != nil {
				return fmt.Errorf("ask the collector: %w", err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
			if err != nil {
				return fmt.Errorf("ask the collector: %w", err)
			}
			if response.StatusCode != http.StatusOK {
				var refusal struct{ Error string }
				if json.Unmarshal(body, &refusal) != nil || refusal.Error == "" {
					return fmt.Errorf("%s answers %s, and not as a collector", url, response.Status)
				}
				return errors.New(refusal.Error)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
	addConfigFlag(command, &path)
	command.Flags().StringVar(&url, "url", "", "collector; by default that of the configuration on this machine")
	return command
}

// reachCollector returns the base URL at which the configuration's collector on this machine says whether it is ready, and a client
// that reaches it.
func reachCollector(c config.Config) (client *http.Client, url string, err error) {
	client = &http.Client{Timeout: readyTimeout}
	if c.PrivateListen != "" {
		return client, addressOn(c.PrivateListen, "http"), nil
	}
	if c.TLS.Enabled() {
		client.Transport, err = own(c.TLS)
	}
	return client, collectorURL(c), err
}

// own returns a transport that knows the collector by the certificate of its configuration, whatever name that is for.
func own(t config.TLS) (http.RoundTripper, error) {
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	name := pair.Leaf.Subject.CommonName
	switch {
	case len(pair.Leaf.DNSNames) > 0:
		name = pair.Leaf.DNSNames[0]
	case len(pair.Leaf.IPAddresses) > 0:
		name = pair.Leaf.IPAddresses[0].String()
	}
	return &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: name}}, nil
}
