package oracle

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// CommandAsker asks with `streamlens query`.
type CommandAsker struct{ Executable, Config string }

// Ask implements Asker.
func (a CommandAsker) Ask(ctx context.Context, q Query) ([]byte, error) {
	arguments := []string{"query", q.QueryType, "--config", a.Config, "--json",
		"--org", q.Organization, "--from", rfc3339(q.From), "--to", rfc3339(q.To)}
	filters, err := filterFlags(q)
	if err != nil {
		return nil, err
	}
	arguments = append(arguments, filters...)
	for flag, value := range map[string]string{
		"unit": q.Unit, "metric": q.Metric, "mode": q.Mode, "breakdown": q.Breakdown, "dimension": q.Dimension, "form": q.Form, "interval": q.Interval, "timezone": q.Timezone, "compare": q.Compare,
	} {
		if value != "" {
			arguments = append(arguments, "--"+flag, value)
		}
	}
	if q.Percentile != 0 {
		arguments = append(arguments, "--percentile", strconv.Itoa(q.Percentile))
	}
	output, err := exec.CommandContext(ctx, a.Executable, arguments...).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() == 1 {
		return nil, &QueryError{Message: strings.TrimSpace(string(failed.Stderr))}
	}
	if err != nil {
		return nil, fmt.Errorf("streamlens %s: %w", strings.Join(arguments, " "), err)
	}
	return output, nil
}

// filterFlags are the flags for the query's filters.
func filterFlags(q Query) ([]string, error) {
	var arguments []string
	for flag, values := range map[string][]string{
		"country": q.Country, "tag": q.Tag, "stream": q.Stream, "event": q.Event, "referrer": q.Referrer, "values": q.Values,
	} {
		if len(values) == 0 {
			continue
		}
		// Lists are lines of CSV.
		var line strings.Builder
		writer := csv.NewWriter(&line)
		if err := writer.Write(values); err != nil {
			return nil, fmt.Errorf("encode list: %w", err)
		}
		writer.Flush()
		arguments = append(arguments, "--"+flag, strings.TrimSuffix(line.String(), "\n"))
	}
	return arguments, nil
}
