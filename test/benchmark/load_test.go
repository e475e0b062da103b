package benchmark

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// comingPerSecond is how many viewers begin in a second at first: see simulate.Live.
	comingPerSecond = 2000
	// slack is how much longer the viewers watch than is measured.
	slack = 10 * time.Second
	// goalPerSession is how many bytes of memory a live session may take.
	goalPerSession = 2048
	// ticksPerSecond is the unit of CPU times in /proc, which is the same on every Linux.
	ticksPerSecond = 100
)

// TestLoad keeps many live sessions for some minutes, with VictoriaMetrics, collector and viewers on this machine, and prints what
// they cost; go tool mage load runs it. LOAD_SESSIONS, LOAD_MINUTES and LOAD_INTERVAL (of reports) change the defaults of 100000, 10 and 10s.
// LOAD_PROFILE names a file for a profile of the collector's heap at the end.
func TestLoad(t *testing.T) {
	if os.Getenv("STREAMLENS") == "" || os.Getenv("GEOIP") == "" || os.Getenv("VICTORIAMETRICS") == "" {
		t.Skip("STREAMLENS, GEOIP and VICTORIAMETRICS must name the programs and the GeoIP database")
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc on this system")
	}
	sessions, minutes := number(t, "LOAD_SESSIONS", 100_000), number(t, "LOAD_MINUTES", 10)
	interval, err := time.ParseDuration(cmp.Or(os.Getenv("LOAD_INTERVAL"), "10s"))
	if err != nil {
		t.Fatal(err)
	}

	s := startStack(t)
	before := usageOf(t, s.collector.Process.Pid).resident

	ramp, measured := time.Duration(sessions)*time.Second/comingPerSecond+2*interval, time.Duration(minutes)*time.Minute
	viewers := exec.Command(os.Getenv("STREAMLENS"), "simulate", "--config", s.configuration, "--viewers", strconv.Itoa(sessions), "--interval", interval.String(),
		"--for", (ramp + measured + slack).String())
	var said bytes.Buffer
	viewers.Stdout, viewers.Stderr = &said, &said
	if err := viewers.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- viewers.Wait() }()
	if !sleep(ramp, ended) {
		t.Fatalf("the viewers ended while they were still coming\n%s", said.String())
	}

	programs := []*exec.Cmd{s.collector, s.storage, viewers}
	begin := sampleOf(t, programs, s.private)
	last, least, longestWait := begin, begin.sessions, 0.0
	fmt.Printf("%6s %9s %9s %8s | %-22s | %-22s | %-22s | %s\n", "minute", "sessions", "events/s", "refused",
		"collector: cores, MB", "VictoriaMetrics", "viewers", "load of the machine")
	for minute := range minutes {
		from := last
		for time.Since(begin.at) < time.Duration(minute+1)*time.Minute {
			if !sleep(time.Second, ended) {
				t.Fatalf("the viewers ended too early\n%s", said.String())
			}
			last = sampleOf(t, programs, s.private)
			least, longestWait = min(least, last.sessions), max(longestWait, last.waiting)
		}
		last.print(minute+1, from)
	}
	fmt.Println("over all minutes:")
	last.print(minutes, begin)
	if name := os.Getenv("LOAD_PROFILE"); name != "" {
		if err := saveProfile(t.Context(), s.private, "heap", name); err != nil {
			t.Error(err)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the viewers: %v", err)
	}
	final := metrics(t, s.private)
	perSession := float64(last.usage[0].resident-before) / last.sessions
	fmt.Printf("%.0f to %.0f sessions; %.0f bytes of the collector's memory per session (%d MB, %d MB before)\n", least, last.sessions,
		perSession, last.usage[0].resident>>20, before>>20)
	fmt.Printf("samples waited at most %.1f s for VictoriaMetrics; from receipt to written %.2f s in the mean\n", longestWait,
		final["delay_seconds_sum"]/max(final["delay_seconds_count"], 1))
	fmt.Printf("viewers:\n%s\n", lastLines(said.String(), 3))

	if refused := final["refused_total"]; refused > 0 {
		t.Errorf("%.0f requests or events were refused", refused)
	}
	if least < 0.95*float64(sessions) {
		t.Errorf("there were only %.0f live sessions, want about %d", least, sessions)
	}
	if perSession > goalPerSession {
		t.Errorf("a live session takes %.0f bytes, want at most %d", perSession, goalPerSession)
	}
}

// sleep returns false if the viewers end meanwhile.
func sleep(d time.Duration, ended chan error) bool {
	select {
	case err := <-ended:
		ended <- err
		return false
	case <-time.After(d):
		return true
	}
}

// usage is what a process has used of the machine.
type usage struct {
	processor time.Duration // so far
	resident  int64         // bytes of memory
}

// sample is what holds at one moment.
type sample struct {
	at                                   time.Time
	sessions, accepted, refused, waiting float64 // of the collector; waiting in s
	usage                                [3]usage
}

func sampleOf(t *testing.T, programs []*exec.Cmd, collector string) sample {
	t.Helper()
	m := metrics(t, collector)
	s := sample{at: time.Now(), sessions: m["sessions"], accepted: m["accepted_total"], refused: m["refused_total"], waiting: m["waiting_seconds"]}
	for i, p := range programs {
		s.usage[i] = usageOf(t, p.Process.Pid)
	}
	return s
}

// print prints what was used since an earlier sample.
func (s sample) print(minute int, since sample) {
	passed := s.at.Sub(since.at).Seconds()
	fmt.Printf("%6d %9.0f %9.0f %8.0f", minute, s.sessions, (s.accepted-since.accepted)/passed, s.refused)
	for i, u := range s.usage {
		fmt.Printf(" | %12.2f %9d", (u.processor-since.usage[i].processor).Seconds()/passed, u.resident>>20)
	}
	fmt.Printf(" | %s\n", loadOfMachine())
}

// loadOfMachine returns the average load of the last minute, for information.
func loadOfMachine() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(load), " ")
	return first
}

func usageOf(t *testing.T, process int) usage {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		t.Fatal(err)
	}
	// Behind the name of the program, which may have spaces: 12 and 13 are the ticks in the program and in the kernel, 22 the pages.
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest))
	var values [3]int64
	for i, field := range []int{11, 12, 21} {
		if values[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return usage{time.Duration(values[0]+values[1]) * time.Second / ticksPerSecond, values[2] * int64(os.Getpagesize())}
}

// metrics returns the collector's own metrics without prefix, summed over labels.
func metrics(t *testing.T, collector string) map[string]float64 {
	t.Helper()
	return metricsOf(t, collector, "streamlens_collector_")
}

// metricsOf returns the metrics of the program at an address whose names have a prefix, without it and summed over labels.
func metricsOf(t *testing.T, address, prefix string) map[string]float64 {
	t.Helper()
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	found := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line, ours := strings.CutPrefix(lines.Text(), prefix)
		if !ours {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		n, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		name, _, _ := strings.Cut(line[:space], "{")
		found[name] += n
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// startProgram runs a program until the test ends, with its output in a file.
func startProgram(t *testing.T, folder, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	log, err := os.Create(filepath.Join(folder, filepath.Base(program)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the process has its own handle
	process := exec.Command(program, arguments...)
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := process.Wait(); err != nil {
			content, readErr := os.ReadFile(log.Name())
			t.Errorf("%s ended: %v\n%s", program, errors.Join(err, readErr), lastLines(string(content), 20))
		}
	})
	return process
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}

// number returns the number in an environment variable, or a default.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		t.Fatalf("%s must be a number above 0, not %q", variable, text)
	}
	return n
}
