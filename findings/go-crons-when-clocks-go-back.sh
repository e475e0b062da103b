#!/bin/bash
# On the night on which clocks go back none of five Go libraries that read cron's schedules has both a daily and an hourly job right. By robfig/cron and hashicorp's cronexpr a job at half
# past two is due twice, as that time comes twice. By gronx, gorhill's cronexpr and go-quartz it is due once, but a job of every hour is due at one o'clock and then two hours later, at the
# second two o'clock. In spring robfig/cron (which says so), hashicorp's and gronx have no job at half past two that day, the others have it at half past three.
# So a daily report is sent twice or an hourly one left out, by which library finds its time.
#
# Guess before: a daily job once, and at half past three where there is no half past two (by robfig/cron not at all); an hourly job each hour.
# Seen with github.com/robfig/cron/v3 v3.0.1, github.com/hashicorp/cronexpr v1.1.3, github.com/gorhill/cronexpr v0.0.0-20180427100037-88b0669f7d75,
# github.com/adhocore/gronx v1.20.4 and github.com/reugn/go-quartz v0.15.2, Go 1.26. Needs Go.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/adhocore/gronx"
	gorhill "github.com/gorhill/cronexpr"
	hashicorp "github.com/hashicorp/cronexpr"
	"github.com/reugn/go-quartz/quartz"
	"github.com/robfig/cron/v3"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	berlin := must(time.LoadLocation("Europe/Berlin"))
	libraries := []struct {
		name string
		next func(expression string, after time.Time) time.Time
	}{
		{"robfig", func(expression string, after time.Time) time.Time { return must(cron.ParseStandard(expression)).Next(after) }},
		{"hashicorp", func(expression string, after time.Time) time.Time { return must(hashicorp.Parse(expression)).Next(after) }},
		{"gorhill", func(expression string, after time.Time) time.Time { return must(gorhill.Parse(expression)).Next(after) }},
		{"gronx", func(expression string, after time.Time) time.Time {
			return must(gronx.NextTickAfter(expression, after, false))
		}},
		{"go-quartz", func(expression string, after time.Time) time.Time {
			// it has seconds, and a question mark for the day of the week
			trigger := must(quartz.NewCronTriggerWithLoc("0 "+strings.TrimSuffix(expression, "*")+"?", berlin))
			return time.Unix(0, must(trigger.NextFireTime(after.UnixNano())))
		}},
	}
	var seen []string
	for _, job := range []struct {
		expression string
		after      time.Time
		times      int
	}{
		{"30 2 * * *", time.Date(2026, 10, 24, 12, 0, 0, 0, berlin), 3},
		{"0 * * * *", time.Date(2026, 10, 25, 0, 30, 0, 0, berlin), 4},
		{"30 2 * * *", time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), 2},
	} {
		for _, library := range libraries {
			line := job.expression + " " + library.name
			at := job.after
			for range job.times {
				at = library.next(job.expression, at).In(berlin)
				line += at.Format(" 02.15:04Z07")
			}
			fmt.Println(line)
			seen = append(seen, line)
		}
	}
	if strings.Join(seen, "\n") != `30 2 * * * robfig 25.02:30+02 25.02:30+01 26.02:30+01
30 2 * * * hashicorp 25.02:30+02 25.02:30+01 26.02:30+01
30 2 * * * gorhill 25.02:30+01 26.02:30+01 27.02:30+01
30 2 * * * gronx 25.02:30+01 26.02:30+01 27.02:30+01
30 2 * * * go-quartz 25.02:30+01 26.02:30+01 27.02:30+01
0 * * * * robfig 25.01:00+02 25.02:00+02 25.02:00+01 25.03:00+01
0 * * * * hashicorp 25.01:00+02 25.02:00+02 25.02:00+01 25.03:00+01
0 * * * * gorhill 25.01:00+02 25.02:00+01 25.03:00+01 25.04:00+01
0 * * * * gronx 25.01:00+02 25.02:00+01 25.03:00+01 25.04:00+01
0 * * * * go-quartz 25.01:00+02 25.02:00+01 25.03:00+01 25.04:00+01
30 2 * * * robfig 30.02:30+02 31.02:30+02
30 2 * * * hashicorp 30.02:30+02 31.02:30+02
30 2 * * * gorhill 29.03:30+02 30.02:30+02
30 2 * * * gronx 30.02:30+02 31.02:30+02
30 2 * * * go-quartz 29.03:30+02 30.02:30+02` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
modules=(github.com/robfig/cron/v3@v3.0.1 github.com/hashicorp/cronexpr@v1.1.3 github.com/gorhill/cronexpr@v0.0.0-20180427100037-88b0669f7d75
  github.com/adhocore/gronx@v1.20.4 github.com/reugn/go-quartz@v0.15.2)
go mod init finding >/dev/null 2>&1
go get "${modules[@]}" >/dev/null 2>&1
go list -m "${modules[@]%@*}"
go run .
