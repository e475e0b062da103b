package useragent

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The start and the end that most user agents share.
const (
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	linux   = "Mozilla/5.0 (X11; Linux x86_64) "
	android = "Mozilla/5.0 (Linux; Android 10; K) "
	webKit  = "AppleWebKit/537.36 (KHTML, like Gecko) "
	chrome  = "Chrome/131.0.0.0 Safari/537.36"
)

func TestParseOddities(t *testing.T) {
	parser := newParser(t)
	tests := []struct {
		name, userAgent string
		want            Agent
	}{
		{"nothing", "", Agent{Unknown, Unknown, OtherDevice}},
		{"long", strings.Repeat("x", 10_000), Agent{Other, Other, OtherDevice}},
		{"repeated", strings.Repeat("Mozilla/5.0 (", 1000), Agent{Other, Other, OtherDevice}},
		{"no text", strings.Repeat("\xff\x00", 5000), Agent{Other, Other, OtherDevice}},
		{"only Android", "Android", Agent{"Android", Other, Mobile}},
		{"cut in the model", "Mozilla/5.0 (Linux; Android 13; SM-", Agent{"Android", Other, Mobile}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parser.Parse(Headers{UserAgent: test.userAgent}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestParseClientHints(t *testing.T) {
	parser := newParser(t)
	const chromium = `"Chromium";v="131", "Not_A Brand";v="24"`
	const phone = "Chrome/131.0.0.0 Mobile Safari/537.36"
	tests := []struct {
		name    string
		headers Headers
		want    Agent
	}{
		{"Chrome", Headers{windows + webKit + chrome, `"Google Chrome";v="131", ` + chromium, `"Windows"`, "?0"}, Agent{"Windows", "Chrome", Desktop}},
		{"Edge that hides", Headers{windows + webKit + chrome, `"Microsoft Edge";v="131", ` + chromium, `"Windows"`, "?0"}, Agent{"Windows", "Edge", Desktop}},
		{"Opera that hides", Headers{mac + webKit + chrome, `"Opera";v="116", ` + chromium, `"macOS"`, "?0"}, Agent{"macOS", "Opera", Desktop}},
		{"Brave", Headers{windows + webKit + chrome, `"Brave";v="131", ` + chromium, `"Windows"`, "?0"}, Agent{"Windows", "Brave", Desktop}},
		{"Brave on Android", Headers{android + webKit + phone, chromium + `, "Brave";v="131"`, `"Android"`, "?1"}, Agent{"Android", "Brave", Mobile}},
		{"brand beside Chrome's", Headers{windows + webKit + chrome, `"Google Chrome";v="131", "Vivaldi";v="7", ` + chromium, `"Windows"`, "?0"}, Agent{"Windows", "Vivaldi", Desktop}},
		{"Chrome's beside brand", Headers{windows + webKit + chrome, `"Vivaldi";v="7", "Google Chrome";v="131", ` + chromium, `"Windows"`, "?0"}, Agent{"Windows", "Vivaldi", Desktop}},
		{"only Chromium", Headers{linux + webKit + "Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0", chromium, `"Linux"`, "?0"}, Agent{"Linux", "Opera", Desktop}},
		{"invented brand only", Headers{linux + webKit + chrome, `"(Not;A Brand";v="99"`, `"Linux"`, "?0"}, Agent{"Linux", "Chrome", Desktop}},
		{"Chrome OS", Headers{linux + webKit + chrome, chromium, `"Chrome OS"`, "?0"}, Agent{"ChromeOS", "Chrome", Desktop}},
		{"unknown platform", Headers{linux + webKit + chrome, chromium, `"Unknown"`, "?0"}, Agent{"Linux", "Chrome", Desktop}},
		{"invented platform", Headers{linux + webKit + chrome, chromium, `"AcmeOS 7"`, "?0"}, Agent{"Linux", "Chrome", Desktop}},
		{"phone asks for desktop sites", Headers{linux + webKit + chrome, chromium, `"Linux"`, "?1"}, Agent{"Android", "Chrome", Mobile}},
		{"tablet asks for desktop sites", Headers{linux + webKit + chrome, chromium, `"Android"`, "?0"}, Agent{"Android", "Chrome", Tablet}},
		{"iPad asks for desktop sites", Headers{mac + webKit + chrome, "", "", "?1"}, Agent{"iOS", "Chrome", Mobile}},
		{"tablet", Headers{android + webKit + chrome, chromium, `"Android"`, "?0"}, Agent{"Android", "Chrome", Tablet}},

		{"webOS says Linux", Headers{"Mozilla/5.0 (Web0S; Linux/SmartTV) " + webKit + "Chrome/94.0.4606.128 Safari/537.36", chromium, `"Linux"`, "?0"}, Agent{"webOS", "Chrome", TV}},
		{"Xbox says Windows", Headers{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) " + webKit + "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", `"Microsoft Edge";v="131", ` + chromium, `"Windows"`, "?0"}, Agent{"Xbox", "Edge", Console}},
		{"Chromecast says Android", Headers{"Mozilla/5.0 (Linux; Android 12; Chromecast HD) " + webKit + "Chrome/131.0.0.0 Safari/537.36 CrKey/1.56.500000", chromium, `"Android"`, "?0"}, Agent{"Chromecast", "Chrome", TV}},
		{"Chromecast says Fuchsia", Headers{"Mozilla/5.0 (Fuchsia) " + webKit + "Chrome/131.0.0.0 Safari/537.36 CrKey/1.56.500000", chromium, `"Fuchsia"`, "?0"}, Agent{"Chromecast", "Chrome", TV}},
		{"HarmonyOS says Android", Headers{"Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) " + webKit + phone, chromium, `"Android"`, "?1"}, Agent{"HarmonyOS", "Chrome", Mobile}},
		{"Android TV says Android", Headers{"Mozilla/5.0 (Linux; Android 11; BRAVIA 4K VH2) " + webKit + chrome, chromium, `"Android"`, "?0"}, Agent{"Android", "Chrome", TV}},

		{"hints without User-Agent", Headers{"", `"Microsoft Edge";v="131", ` + chromium, `"Linux"`, "?0"}, Agent{"Linux", "Edge", Desktop}},
		{"hints of a phone without User-Agent", Headers{"", "", "", "?1"}, Agent{Unknown, Unknown, Mobile}},
		{"bot stays one", Headers{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", `"Google Chrome";v="131"`, `"Android"`, "?1"}, Agent{"Android", Bot, BotDevice}},
		{"broken hints", Headers{windows + webKit + chrome, `"""";;v=`, `"""`, "yes"}, Agent{"Windows", "Chrome", Desktop}},
		{"long hints", Headers{windows + webKit + chrome, strings.Repeat(`"`, 10_000), strings.Repeat("x", 10_000), ""}, Agent{"Windows", "Chrome", Desktop}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parser.Parse(test.headers); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// known are all names that there are; nobody can make others up.
func known() map[string]bool {
	all := map[string]bool{Unknown: true, Other: true, Bot: true}
	for _, names := range []map[string]string{osNames, browserNames, brandNames} {
		for _, name := range names {
			all[name] = true
		}
	}
	for _, list := range [][]mark{osMarks, osParts, browserMarks, engineMarks} {
		for _, m := range list {
			all[m.name] = true
		}
	}
	return all
}

var allDevices = map[string]bool{Desktop: true, Mobile: true, Tablet: true, TV: true, Console: true, OtherDevice: true, BotDevice: true}

// Names become labels of stored series, so there must be no more than those in the tables.
func TestNamesAreBounded(t *testing.T) {
	parser, names := newParser(t), known()
	for i := range 20 {
		for _, form := range []string{"Acme%dBrowser/1.0", "Mozilla/5.0 (compatible; acme%dbot/1.0)", "acme%dcrawler", "Mozilla/5.0 (Acme%d) Gecko Acme%[1]d/1.0"} {
			userAgent := fmt.Sprintf(form, i)
			if got := parser.Parse(Headers{UserAgent: userAgent}); !names[got.OS] || !names[got.Browser] || !allDevices[got.Device] {
				t.Errorf("%s: %+v", userAgent, got)
			}
		}
	}
}

func newAgents(t testing.TB, limits Limits) *Agents {
	t.Helper()
	a, err := NewAgents(limits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLook(t *testing.T) {
	// The first look-up takes all that there is.
	a := newAgents(t, Limits{Remembered: 10, Burst: 1})
	first, second := Headers{UserAgent: windows + webKit + chrome}, Headers{UserAgent: linux + webKit + chrome}
	if got, ok := a.Look("acme", first); !ok || got != (Agent{"Windows", "Chrome", Desktop}) {
		t.Errorf("within the limit: %+v, %v", got, ok)
	}
	for range 2 {
		if got, ok := a.Look("acme", second); ok {
			t.Errorf("beyond the limit: %+v", got)
		}
	}
	if got, ok := a.Look("acme", first); !ok || got != (Agent{"Windows", "Chrome", Desktop}) {
		t.Errorf("remembered: %+v, %v", got, ok)
	}
	if got := a.Waited(); got != 2 {
		t.Errorf("%d waited, want 2", got)
	}
	if got, ok := a.Look("other", second); !ok || got != (Agent{"Linux", "Chrome", Desktop}) {
		t.Errorf("of another organisation: %+v, %v", got, ok)
	}
	if got, ok := a.Look("acme", second); !ok || got != (Agent{"Linux", "Chrome", Desktop}) {
		t.Errorf("remembered for all: %+v, %v", got, ok)
	}
	third := Headers{UserAgent: mac + webKit + chrome}
	if got := a.Agent(third); got != (Agent{"macOS", "Chrome", Desktop}) {
		t.Errorf("where it can wait: %+v", got)
	}
}

// TestLookAgain looks up what had to wait when time has passed.
func TestLookAgain(t *testing.T) {
	a := newAgents(t, Limits{Remembered: 10, PerSecond: 1000, Burst: 1})
	for i := range 20 {
		h := Headers{UserAgent: fmt.Sprintf("%sChrome/%d.0.0.0 Safari/537.36", windows+webKit, 100+i)}
		for tries := 0; ; tries++ {
			if got, ok := a.Look("acme", h); ok {
				if got != (Agent{"Windows", "Chrome", Desktop}) {
					t.Errorf("got %+v", got)
				}
				break
			}
			if tries == 1000 {
				t.Fatal("waits for ever")
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestAgentsConcurrently(t *testing.T) {
	a := newAgents(t, Limits{Remembered: 4, Burst: 100_000})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i := range 40 {
				h := Headers{UserAgent: fmt.Sprintf("%sChrome/%d.0.0.0 Safari/537.36", windows+webKit, 100+i%8)}
				if got, ok := a.Look("acme", h); !ok || got != (Agent{"Windows", "Chrome", Desktop}) {
					t.Errorf("got %+v, %v", got, ok)
				}
			}
		})
	}
	running.Wait()
	if n := a.remembered.Len(); n > 4 {
		t.Errorf("%d remembered, want at most 4", n)
	}
}

func TestNewAgentsRefusesNoMemory(t *testing.T) {
	if _, err := NewAgents(Limits{}); err == nil {
		t.Error("no error")
	}
}

// TestFlood looks up 10,000 user agents a second that were never seen, for ten seconds, in one organisation: none may have to wait. It
// prints what that takes.
func TestFlood(t *testing.T) {
	if os.Getenv("USER_AGENT_FLOOD") == "" {
		t.Skip("takes ten seconds: go tool mage userAgents runs it")
	}
	a := newAgents(t, DefaultLimits)
	forms := ownAgents(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const perSecond, seconds = 10_000, 10
	begin := time.Now()
	var busy time.Duration
	for i := range perSecond * seconds {
		if early := time.Until(begin.Add(time.Duration(i) * time.Second / perSecond)); early > 0 {
			time.Sleep(early)
		}
		h := Headers{UserAgent: fmt.Sprintf("%s Acme/%d", forms[i%len(forms)], i)}
		started := time.Now()
		_, ok := a.Look("acme", h)
		busy += time.Since(started)
		if !ok {
			t.Fatalf("the user agent %d has to wait", i)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d user agents in %v took %v of one processor and %d MB", perSecond*seconds, time.Since(begin).Round(time.Millisecond),
		busy.Round(time.Millisecond), (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20)
	if n := a.remembered.Len(); n > DefaultLimits.Remembered {
		t.Errorf("%d are remembered, want at most %d", n, DefaultLimits.Remembered)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(linux+webKit+chrome, `"Chromium";v="142"`, `"Linux"`, "?0")
	f.Add("Mozilla/5.0 (Web0S; Linux/SmartTV)", `"`, "", "?1")
	f.Add("Mozilla/5.0 (Linux; Android 11; 55U730GR Build/RTT1) AppleWebKit", "", "", "")
	f.Add("\xff\x00", "", "", "")
	parser, names := newParser(f), known()
	f.Fuzz(func(t *testing.T, userAgent, brands, platform, mobile string) {
		got := parser.Parse(Headers{userAgent, brands, platform, mobile})
		if !names[got.OS] || !names[got.Browser] || !allDevices[got.Device] {
			t.Errorf("got %+v", got)
		}
	})
}

func BenchmarkLookRemembered(b *testing.B) {
	a := newAgents(b, DefaultLimits)
	h := Headers{windows + webKit + chrome, `"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"`, `"Windows"`, "?0"}
	b.ReportAllocs()
	for b.Loop() {
		a.Look("acme", h)
	}
}
