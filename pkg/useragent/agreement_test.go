package useragent

import (
	"cmp"
	"crypto/sha1"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// entry is one user agent of device-detector's fixtures with what is right for it.
type entry struct {
	UserAgent string `yaml:"user_agent"`
	Headers   map[string]string
	OS        struct{ Name string }
	Client    struct{ Type, Name string }
	Device    struct{ Type string }
	Bot       struct{ Name string }
}

// checkout returns the folder that an environment variable names, and skips the test if there is none.
func checkout(t *testing.T, variable string) string {
	t.Helper()
	folder := os.Getenv(variable)
	if folder == "" {
		t.Skip(variable + " names no checkout: go tool mage userAgents makes one")
	}
	return folder
}

func fixtures(t *testing.T) []entry {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(checkout(t, "DEVICE_DETECTOR"), "Tests/fixtures/*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures of device-detector: ", err)
	}
	var all []entry
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var of []map[string]any
		if err := yaml.Load(text, &of); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, one := range of {
			all = append(all, entryOf(one))
		}
	}
	return all
}

// entryOf reads what is needed of an entry, whose fields are empty lists where there is nothing to say.
func entryOf(fields map[string]any) entry {
	text := func(of any, name string) string {
		m, _ := of.(map[string]any)
		if m[name] == nil {
			return ""
		}
		return fmt.Sprint(m[name])
	}
	e := entry{UserAgent: text(fields, "user_agent"), Headers: map[string]string{}}
	if headers, ok := fields["headers"].(map[string]any); ok {
		for name := range headers {
			e.Headers[strings.ToLower(name)] = text(headers, name)
		}
	}
	e.OS.Name = text(fields["os"], "name")
	e.Client.Type, e.Client.Name = text(fields["client"], "type"), text(fields["client"], "name")
	e.Device.Type = text(fields["device"], "type")
	e.Bot.Name = text(fields["bot"], "name")
	return e
}

// systemFamilies says which of device-detector's systems mean the same as which of the product's. The others have no name of their own in
// the product.
var systemFamilies = map[string][]string{
	"Android": {"Android TV", "Fire OS", "CyanogenMod", "MocorDroid", "Lineage OS", "Smartisan OS", "Meta Horizon", "Wear OS", "YunOS",
		"PICO OS", "ClearOS Mobile", "HyperOS", "Google TV", "Remix OS", "Resurrection Remix OS", "MildWild", "Sirin OS"},
	"iOS":           {"iPadOS"},
	"macOS":         {"Mac"},
	"Windows":       {"Windows RT", "Windows CE"},
	"Windows Phone": {"Windows Mobile"},
	"Linux": {"GNU/Linux", "Ubuntu", "Debian", "Fedora", "Arch Linux", "SUSE", "CentOS", "Gentoo", "Kubuntu", "Red Hat", "Slackware",
		"Mandriva", "Mint", "Sabayon", "PureOS"},
	"BSD":         {"FreeBSD", "OpenBSD", "NetBSD"},
	"ChromeOS":    {"Chrome OS", "Chromium OS"},
	"HarmonyOS":   {"HarmonyOS NEXT", "OpenHarmony"},
	"Nintendo":    {"Nintendo Mobile"},
	"PlayStation": {"PlayStation Portable"},
	"webOS":       {}, "KaiOS": {}, "VIDAA": {}, "Tizen": {}, "Roku OS": {}, "tvOS": {}, "Solaris": {}, "Fuchsia": {},
}

// browserFamilies says the same of browsers and players.
var browserFamilies = map[string][]string{
	"Chrome":             {"Chrome Mobile", "Chrome Webview", "Chrome Mobile iOS", "Chromium", "Headless Chrome", "Chrome Frame"},
	"Safari":             {"Mobile Safari"},
	"Firefox":            {"Firefox Mobile", "Firefox Mobile iOS", "Firefox Focus", "Firefox Rocket", "Firefox Reality", "Fennec"},
	"Edge":               {"Microsoft Edge"},
	"Internet Explorer":  {"IE Mobile"},
	"Opera":              {"Opera Mobile", "Opera Devices", "Opera GX", "Opera Mini", "Opera Touch", "Opera Next", "Opera Neon", "Opera Crypto", "Opera Mini iOS", "Vewd Browser"},
	"Samsung Internet":   {"Samsung Browser", "Samsung Browser Lite"},
	"Yandex Browser":     {"Yandex Browser Lite"},
	"UC Browser":         {"UC Browser Turbo", "UC Browser Mini"},
	"Mi Browser":         {},
	"Huawei Browser":     {"Huawei Browser Mobile"},
	"QQ Browser":         {"QQ Browser Mini"},
	"Silk":               {"Mobile Silk"},
	"Meta Quest Browser": {"Oculus Browser"},
	"Whale":              {"Whale Browser"},
	"NetFront":           {"NetFront Life", "Nintendo Browser"},
	"DuckDuckGo":         {"DuckDuckGo Privacy Browser"},
	"Roku":               {"Roku Browser"},
	"Brave":              {}, "Vivaldi": {}, "Android Browser": {},
	"Facebook": {"Facebook Lite"}, "Instagram": {},
	"VLC": {}, "Kodi": {}, "ExoPlayer": {}, "FFmpeg": {}, "mpv": {}, "okhttp": {"OkHttp"}, "curl": {}, "AppleCoreMedia": {"Apple Core Media"},
}

// deviceClasses says the same of devices.
var deviceClasses = map[string][]string{
	Mobile:      {"smartphone", "phablet", "feature phone", "portable media player"},
	OtherDevice: {"wearable", "peripheral", "smart speaker", "smart display", "car browser", "camera"},
	Tablet:      {}, TV: {}, Desktop: {}, Console: {},
}

// inverse returns the product's name for each of the others.
func inverse(names map[string][]string) map[string]string {
	of := map[string]string{}
	for ours, theirs := range names {
		of[ours] = ours
		for _, name := range theirs {
			of[name] = ours
		}
	}
	return of
}

// score counts where the product agrees.
type score struct {
	named, agreed int
	wrong         map[string][]string // user agents by "what is right > what the product says"
}

func (s *score) add(want, got, userAgent string) {
	s.named++
	if want == got {
		s.agreed++
		return
	}
	if s.wrong == nil {
		s.wrong = map[string][]string{}
	}
	s.wrong[want+" > "+got] = append(s.wrong[want+" > "+got], userAgent)
}

func (s *score) percent() float64 { return 100 * float64(s.agreed) / float64(max(s.named, 1)) }

// show writes how often the product agrees, and if SHOW is the name all that it does not agree on, the most frequent first.
func (s *score) show(t *testing.T, name string) {
	t.Helper()
	t.Logf("%-26s %6d of %6d: %5.2f %%", name, s.agreed, s.named, s.percent())
	if os.Getenv("SHOW") != name {
		return
	}
	for _, kind := range slices.SortedFunc(maps.Keys(s.wrong), func(a, b string) int { return cmp.Compare(len(s.wrong[b]), len(s.wrong[a])) }) {
		of := s.wrong[kind]
		t.Logf("  %d %s", len(of), kind)
		for _, userAgent := range of {
			t.Logf("      %s", userAgent)
		}
	}
}

// half returns in which half of the fixtures a user agent is, by its model. Names of single models are taken into the lists of models.go
// from half 0 alone, so that half 1 tells how well the lists do with devices that they were not made for.
func half(userAgent string) byte {
	model, _ := androidModel(fold(userAgent))
	sum := sha1.Sum([]byte(cmp.Or(model, userAgent)))
	return sum[0] & 1
}

// TestAgreement compares with the fixtures of matomo's device-detector, which are fetched and not part of the project: their licence
// is LGPL.
func TestAgreement(t *testing.T) {
	all := fixtures(t)
	parser := newParser(t)
	osOf, browserOf, deviceOf := inverse(systemFamilies), inverse(browserFamilies), inverse(deviceClasses)
	var tvBrowsers, allBrowsers, tvSystems, allSystems, classes, bots, people score
	var halves [2]score // of classes
	for _, e := range all {
		got := parser.Parse(Headers{UserAgent: e.UserAgent, Brands: e.Headers["sec-ch-ua"], Platform: e.Headers["sec-ch-ua-platform"], Mobile: e.Headers["sec-ch-ua-mobile"]})
		if e.Bot.Name != "" {
			bots.add("bot", got.Device, e.UserAgent)
			continue
		}
		human := "human"
		if got.Device == BotDevice {
			human = "bot"
		}
		people.add("human", human, e.UserAgent)
		if want, ok := osOf[e.OS.Name]; ok {
			// What a device is made from is right too.
			if got.OS == "Xbox" && want == "Windows" || got.OS == "Chromecast" && (want == "Android" || want == "Linux") {
				want = got.OS
			}
			allSystems.add(want, got.OS, e.UserAgent)
			if e.Device.Type == "tv" {
				tvSystems.add(want, got.OS, e.UserAgent)
			}
		}
		if want, ok := browserOf[e.Client.Name]; ok {
			allBrowsers.add(want, got.Browser, e.UserAgent)
			if e.Device.Type == "tv" {
				tvBrowsers.add(want, got.Browser, e.UserAgent)
			}
		}
		if want, ok := deviceOf[e.Device.Type]; ok {
			classes.add(want, got.Device, e.UserAgent)
			halves[half(e.UserAgent)].add(want, got.Device, e.UserAgent)
		}
	}
	for _, test := range []struct {
		name  string
		score *score
		least float64
	}{
		{"browsers of televisions", &tvBrowsers, 98},
		{"browsers", &allBrowsers, 99},
		{"systems of televisions", &tvSystems, 98},
		{"systems", &allSystems, 99},
		{"devices", &classes, 98},
		{"devices, listed half", &halves[0], 98},
		{"devices, other half", &halves[1], 97},
		{"bots", &bots, 90},
		{"people", &people, 99.8},
	} {
		test.score.show(t, test.name)
		if got := test.score.percent(); got < test.least {
			t.Errorf("%s: %.2f %% agree, want at least %.1f", test.name, got, test.least)
		}
	}
}

// TestUAPCore runs the tests of uap-core, as far as they are about families.
func TestUAPCore(t *testing.T) {
	folder := checkout(t, "UAP_CORE")
	parser := newParser(t)
	for _, kind := range []struct {
		rules *rules
		files []string
	}{
		{parser.browsers, []string{"tests/test_ua.yaml", "test_resources/firefox_user_agent_strings.yaml", "test_resources/pgts_browser_list.yaml",
			"test_resources/opera_mini_user_agent_strings.yaml", "test_resources/podcasting_user_agent_strings.yaml"}},
		{parser.systems, []string{"tests/test_os.yaml", "test_resources/additional_os_tests.yaml"}},
	} {
		for _, file := range kind.files {
			text, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			var all struct {
				Cases []struct {
					UserAgent string `yaml:"user_agent_string"`
					Family    string
				} `yaml:"test_cases"`
			}
			if err := yaml.Load(text, &all); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, c := range all.Cases {
				family, _ := kind.rules.family(c.UserAgent, parser.texts.find(fold(c.UserAgent)))
				if got := cmp.Or(family, "Other"); got != c.Family {
					t.Errorf("%s: %s: %q, want %q", file, c.UserAgent, got, c.Family)
				}
			}
			t.Logf("%s: %d tests", file, len(all.Cases))
		}
	}
}
