package enrich

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func newUserAgents(t testing.TB, limits UserAgentLimits) *UserAgents {
	t.Helper()
	u, err := NewUserAgents(limits)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The start and the end that most user agents share.
const (
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	iPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	linux   = "Mozilla/5.0 (X11; Linux x86_64) "
	android = "Mozilla/5.0 (Linux; Android 10; K) "
	webKit  = "AppleWebKit/537.36 (KHTML, like Gecko) "
)

func TestUserAgent(t *testing.T) {
	u := newUserAgents(t, DefaultUserAgentLimits)
	tests := []struct{ userAgent, os, browser string }{
		{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", "Windows", "Chrome"},
		{windows + webKit + "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Windows", "Edge"},
		{windows + webKit + "Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Windows", "Edge"},
		{windows + webKit + "Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0", "Windows", "Opera"},
		{windows + webKit + "Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.6", "Windows", "Vivaldi"},
		{windows + webKit + "Chrome/128.0.0.0 YaBrowser/24.10.0.0 Safari/537.36", "Windows", "Yandex Browser"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0", "Windows", "Firefox"},
		{"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; AS; rv:11.0) like Gecko", "Windows", "Internet Explorer"},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "macOS", "Safari"},
		{mac + webKit + "Chrome/131.0.0.0 Safari/537.36", "macOS", "Chrome"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:132.0) Gecko/20100101 Firefox/132.0", "macOS", "Firefox"},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15 DuckDuckGo/7", "macOS", "DuckDuckGo"},
		{iPhone + "Version/18.1 Mobile/15E148 Safari/604.1", "iOS", "Safari"},
		{iPhone + "CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "iOS", "Chrome"},
		{iPhone + "FxiOS/132.0 Mobile/15E148 Safari/605.1.15", "iOS", "Firefox"},
		{iPhone + "Version/18.0 EdgiOS/130.0.2849.80 Mobile/15E148 Safari/605.1.15", "iOS", "Edge"},
		{iPhone + "Version/18.1 Mobile/15E148 Safari/604.1 OPT/5.1.1", "iOS", "Opera"},
		{iPhone + "GSA/320.0.643 Mobile/15E148 Safari/604.1", "iOS", "Google App"},
		{iPhone + "Mobile/15E148", "iOS", "Safari"},
		{iPhone + "Mobile/15E148 Instagram 350.0.0.25.92 (iPhone15,3; iOS 17_5_1; en_US; en; scale=3.00; 1290x2796; 636227447)", "iOS", "Instagram"},
		{iPhone + "Mobile/15E148 [FBAN/FBIOS;FBAV/485.1.0.45.110;FBBV/658190119;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.6.1]", "iOS", "Facebook"},
		{"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1", "iOS", "Safari"},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131 Version/11.1.1 Safari/605.1.15", "iOS", "Chrome"},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "iOS", "Safari"},
		{android + webKit + "Chrome/131.0.0.0 Mobile Safari/537.36", "Android", "Chrome"},
		{android + webKit + "Chrome/131.0.0.0 Safari/537.36", "Android", "Chrome"},
		{"Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "Android", "Firefox"},
		{android + webKit + "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36", "Android", "Samsung Internet"},
		{"Mozilla/5.0 (Linux; Android 10; HD1913) " + webKit + "Chrome/131.0.6778.81 Mobile Safari/537.36 EdgA/130.0.2849.80", "Android", "Edge"},
		{"Mozilla/5.0 (Linux; Android 10; VOG-L29) " + webKit + "Chrome/131.0.6778.81 Mobile Safari/537.36 OPR/76.2.4027.73374", "Android", "Opera"},
		{"Mozilla/5.0 (Linux; Android 13; SM-S901B; wv) " + webKit + "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36", "Android", "Chrome"},
		{"Mozilla/5.0 (Linux; U; Android 13; en-US; RMX3624) " + webKit + "Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.8.0.1324 Mobile Safari/537.36", "Android", "UC Browser"},
		{"Mozilla/5.0 (Linux; Android 13; 2201117TG Build/TKQ1) " + webKit + "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.4.0-g", "Android", "Mi Browser"},
		{"Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) " + webKit + "Chrome/99.0.4844.88 HuaweiBrowser/13.0.2.302 Mobile Safari/537.36", "HarmonyOS", "Huawei Browser"},
		{"Mozilla/5.0 (Phone; OpenHarmony 5.0) " + webKit + "Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile", "HarmonyOS", "Chrome"},
		{"Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; SM-G900V) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1", "Android", "Android Browser"},
		{"Opera/9.80 (J2ME/MIDP; Opera Mini/9.5/37.8069; U; en) Presto/2.12.423 Version/12.16", "Other", "Opera"},
		{"Mozilla/5.0 (Mobile; LYF/F120B/LYF; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "KaiOS", "Firefox"},
		{"Mozilla/5.0 (Linux; Android 11; Quest 3) " + webKit + "OculusBrowser/32.0 Chrome/122.0.0.0 VR Safari/537.36", "Android", "Meta Quest Browser"},
		{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", "Linux", "Chrome"},
		{linux + webKit + "HeadlessChrome/131.0.0.0 Safari/537.36", "Linux", "Chrome"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Linux", "Firefox"},
		{"Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Linux", "Firefox"},
		{"Mozilla/5.0 (X11; FreeBSD amd64; rv:130.0) Gecko/20100101 Firefox/130.0", "BSD", "Firefox"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webKit + "Chrome/131.0.0.0 Safari/537.36", "ChromeOS", "Chrome"},

		// Televisions, boxes and consoles.
		{"Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) " + webKit + "Version/5.0 TV Safari/537.36", "Tizen", "Safari"},
		{"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) " + webKit + "76.0.3809.146/6.0 TV Safari/537.36", "Tizen", "Safari"},
		{"Mozilla/5.0 (SMART-TV; Linux; Tizen 2.4.0) AppleWebkit/538.1 (KHTML, like Gecko) SamsungBrowser/1.1 TV Safari/538.1", "Tizen", "Samsung Internet"},
		{"Mozilla/5.0 (Linux; Tizen 2.3; SMART-TV) AppleWebKit/538.1 (KHTML, like Gecko) SamsungBrowser/2.0 TV Safari/538.1", "Tizen", "Samsung Internet"},
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) " + webKit + "Chrome/79.0.3945.79 Safari/537.36 WebAppManager", "webOS", "Chrome"},
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) " + webKit + "Chrome/94.0.4606.128 Safari/537.36 DMOST/2.0.0 (; LGE; webOSTV; WEBOS22 05.30.30; W22_K7LP; 55UQ80006LB;)", "webOS", "Chrome"},
		{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/538.2 (KHTML, like Gecko) Large Screen Safari/538.2 LG Browser/7.00.00(LGE; 43UF6407-ZA; 03.40.30; 1; DTV_W15U); webOS.TV-2015; LG NetCast.TV-2013 Compatible", "webOS", "Safari"},
		{"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2 Build/PTT1.190515.001.S38) " + webKit + "Chrome/96.0.4664.45 Safari/537.36", "Android", "Chrome"},
		{"Mozilla/5.0 (Linux; Android 11; Chromecast) " + webKit + "Chrome/98.0.4758.101 Safari/537.36 CrKey/1.56.500000", "Chromecast", "Chrome"},
		{"Mozilla/5.0 (X11; Linux armv7l) " + webKit + "Chrome/90.0.4430.225 Safari/537.36 CrKey/1.56.500000 DeviceType/Chromecast", "Chromecast", "Chrome"},
		{"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7233) " + webKit + "Silk/98.6.10 like Chrome/98.0.4758.136 Safari/537.36", "Android", "Silk"},
		{"Mozilla/5.0 (Linux armv7l) " + webKit + "Chrome/88.0 Safari/537.36 OPR/46.0.2207.0 OMI/4.20.5.58 Model/Hisense-MT9602 VIDAA/6.0", "VIDAA", "Opera"},
		{"Roku/DVP-9.10 (519.10E04111A)", "Roku OS", "Roku"},
		{"Roku4640X/DVP-7.70 (297.70E04154A)", "Roku OS", "Roku"},
		{"Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", "PlayStation", "Safari"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) " + webKit + "Chrome/48.0.2564.82 Safari/537.36 Edge/20.02", "Xbox", "Edge"},
		{"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474", "Nintendo", "NetFront"},

		// Players and programs.
		{"AppleCoreMedia/1.0.0.21K79 (Apple TV; U; CPU OS 17_2 like Mac OS X; en_us)", "tvOS", "AppleCoreMedia"},
		{"AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5_1 like Mac OS X; de_de)", "iOS", "AppleCoreMedia"},
		{"AppleCoreMedia/1.0.0.23G93 (Macintosh; U; Intel Mac OS X 14_6; en_us)", "macOS", "AppleCoreMedia"},
		{"ExoPlayerDemo/2.19.1 (Linux; Android 13) ExoPlayerLib/2.19.1", "Android", "ExoPlayer"},
		{"Acme/1.0 (Linux;Android 14) AndroidXMedia3/1.4.1", "Android", "ExoPlayer"},
		{"VLC/3.0.20 LibVLC/3.0.20", "Other", "VLC"},
		{"Lavf/60.16.100", "Other", "FFmpeg"},
		{"okhttp/4.12.0", "Other", "okhttp"},
		{"curl/8.5.0", "Other", "curl"},
		{"Go-http-client/2.0", "Other", "Other"},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Other", "Bot"},
		{"Mozilla/5.0 " + webKit[:len(webKit)-2] + "; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/131.0.0.0 Safari/537.36", "Other", "Bot"},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "Other", "Bot"},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot", "Other", "Bot"},

		// None.
		{"", "Unknown", "Unknown"},
		{"-", "Other", "Other"},
		{"Acme Player 1.0", "Other", "Other"},
		{strings.Repeat("x", 10_000), "Other", "Other"},
		{strings.Repeat("Mozilla/5.0 (", 1000), "Other", "Other"},
		{strings.Repeat("\xff\x00", 5000), "Other", "Other"},
	}
	for _, test := range tests {
		name := test.userAgent[:min(len(test.userAgent), 150)]
		t.Run(name, func(t *testing.T) {
			got := u.UserAgent(UserAgentHeaders{UserAgent: test.userAgent})
			if want := (UserAgent{test.os, test.browser}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestUserAgentClientHints(t *testing.T) {
	u := newUserAgents(t, DefaultUserAgentLimits)
	const chromium = `"Chromium";v="131", "Not_A Brand";v="24"`
	tests := []struct {
		name        string
		headers     UserAgentHeaders
		os, browser string
	}{
		{"Chrome", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Google Chrome";v="131", ` + chromium, `"Windows"`, "?0"}, "Windows", "Chrome"},
		{"Edge that hides", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Microsoft Edge";v="131", ` + chromium, `"Windows"`, "?0"}, "Windows", "Edge"},
		{"Opera that hides", UserAgentHeaders{mac + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Opera";v="116", ` + chromium, `"macOS"`, "?0"}, "macOS", "Opera"},
		{"Brave", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Brave";v="131", ` + chromium, `"Windows"`, "?0"}, "Windows", "Brave"},
		{"Brave on Android", UserAgentHeaders{android + webKit + "Chrome/131.0.0.0 Mobile Safari/537.36", chromium + `, "Brave";v="131"`, `"Android"`, "?1"}, "Android", "Brave"},
		{"brand beside Chrome's", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Google Chrome";v="131", "Vivaldi";v="7", ` + chromium, `"Windows"`, "?0"}, "Windows", "Vivaldi"},
		{"Chrome's beside brand", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"Vivaldi";v="7", "Google Chrome";v="131", ` + chromium, `"Windows"`, "?0"}, "Windows", "Vivaldi"},
		{"only Chromium", UserAgentHeaders{linux + webKit + "Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0", chromium, `"Linux"`, "?0"}, "Linux", "Opera"},
		{"invented brand only", UserAgentHeaders{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", `"(Not;A Brand";v="99"`, `"Linux"`, "?0"}, "Linux", "Chrome"},
		{"Chrome OS", UserAgentHeaders{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", chromium, `"Chrome OS"`, "?0"}, "ChromeOS", "Chrome"},
		{"unknown platform", UserAgentHeaders{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", chromium, `"Unknown"`, "?0"}, "Linux", "Chrome"},
		{"invented platform", UserAgentHeaders{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", chromium, `"AcmeOS 7"`, "?0"}, "Linux", "Chrome"},
		{"television says Linux", UserAgentHeaders{"Mozilla/5.0 (Web0S; Linux/SmartTV) " + webKit + "Chrome/94.0.4606.128 Safari/537.36", chromium, `"Linux"`, "?0"}, "webOS", "Chrome"},
		{"phone asks for desktop sites", UserAgentHeaders{linux + webKit + "Chrome/131.0.0.0 Safari/537.36", chromium, `"Linux"`, "?1"}, "Android", "Chrome"},
		{"iPad asks for desktop sites", UserAgentHeaders{mac + webKit + "Chrome/131.0.0.0 Safari/537.36", "", "", "?1"}, "iOS", "Chrome"},
		{"hints without User-Agent", UserAgentHeaders{"", `"Microsoft Edge";v="131", ` + chromium, `"Linux"`, "?0"}, "Linux", "Edge"},
		{"bot stays one", UserAgentHeaders{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", `"Google Chrome";v="131"`, `"Android"`, "?1"}, "Android", "Bot"},
		{"broken hints", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", `"""";;v=`, `"""`, "yes"}, "Windows", "Chrome"},
		{"long hints", UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36", strings.Repeat(`"`, 10_000), strings.Repeat("x", 10_000), ""}, "Windows", "Chrome"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, want := u.UserAgent(test.headers), (UserAgent{test.os, test.browser}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// Names become labels of stored series, so there must be no more than those in the tables.
func TestUserAgentNamesAreBounded(t *testing.T) {
	u := newUserAgents(t, UserAgentLimits{Cached: 1, MissesPerSecond: 0, MissBurst: 1000})
	known := map[string]bool{UnknownUserAgent: true, OtherUserAgent: true, "Bot": true}
	for _, names := range []map[string]string{osNames, browserNames, brandNames} {
		for _, name := range names {
			known[name] = true
		}
	}
	for i := range 20 {
		for _, form := range []string{"Acme%dBrowser/1.0", "Mozilla/5.0 (compatible; acme%dbot/1.0)", "acme%dcrawler", "Mozilla/5.0 (Acme%d) Gecko Acme%[1]d/1.0"} {
			userAgent := fmt.Sprintf(form, i)
			if got := u.UserAgent(UserAgentHeaders{UserAgent: userAgent}); !known[got.OS] || !known[got.Browser] {
				t.Errorf("%s: %+v", userAgent, got)
			}
		}
	}
}

func TestUserAgentMissLimit(t *testing.T) {
	u := newUserAgents(t, UserAgentLimits{Cached: 10, MissesPerSecond: 0, MissBurst: 1})
	first := UserAgentHeaders{UserAgent: windows + webKit + "Chrome/131.0.0.0 Safari/537.36"}
	second := UserAgentHeaders{UserAgent: linux + webKit + "Chrome/131.0.0.0 Safari/537.36"}
	refused := UserAgent{UnknownUserAgent, UnknownUserAgent}

	if got, want := u.UserAgent(first), (UserAgent{"Windows", "Chrome"}); got != want {
		t.Errorf("within the limit: %+v, want %+v", got, want)
	}
	for range 2 {
		if got := u.UserAgent(second); got != refused {
			t.Errorf("beyond the limit: %+v, want %+v", got, refused)
		}
	}
	if got, want := u.UserAgent(first), (UserAgent{"Windows", "Chrome"}); got != want {
		t.Errorf("remembered: %+v, want %+v", got, want)
	}
	if got := u.UserAgent(UserAgentHeaders{}); got != refused {
		t.Errorf("nothing said: %+v, want %+v", got, refused)
	}
	if got := u.Refused(); got != 2 {
		t.Errorf("%d refused, want 2", got)
	}
	u.misses.SetBurst(2)
	u.misses.SetLimit(1e9)
	if got, want := u.UserAgent(second), (UserAgent{"Linux", "Chrome"}); got != want {
		t.Errorf("when it comes again: %+v, want %+v", got, want)
	}
}

func TestUserAgentConcurrently(t *testing.T) {
	u := newUserAgents(t, UserAgentLimits{Cached: 4, MissesPerSecond: 0, MissBurst: 1000})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i := range 40 {
				headers := UserAgentHeaders{UserAgent: fmt.Sprintf("%sChrome/%d.0.0.0 Safari/537.36", windows+webKit, 100+i%8)}
				if got, want := u.UserAgent(headers), (UserAgent{"Windows", "Chrome"}); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		})
	}
	running.Wait()
	if n := u.cache.Len(); n > 4 {
		t.Errorf("%d remembered, want at most 4", n)
	}
}

func TestNewUserAgentsRefusesNoCache(t *testing.T) {
	if _, err := NewUserAgents(UserAgentLimits{}); err == nil {
		t.Error("no error")
	}
}

func BenchmarkUserAgentHit(b *testing.B) {
	u := newUserAgents(b, DefaultUserAgentLimits)
	headers := UserAgentHeaders{windows + webKit + "Chrome/131.0.0.0 Safari/537.36",
		`"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"`, `"Windows"`, "?0"}
	b.ReportAllocs()
	for b.Loop() {
		u.UserAgent(headers)
	}
}

func BenchmarkUserAgentMiss(b *testing.B) {
	u := newUserAgents(b, UserAgentLimits{Cached: 1, MissesPerSecond: 1e9, MissBurst: 1e9})
	forms := []string{windows + webKit + "Chrome/%d.0.0.0 Safari/537.36", iPhone + "Version/18.1.%d Mobile/15E148 Safari/604.1",
		android + webKit + "Chrome/%d.0.0.0 Mobile Safari/537.36", "Mozilla/5.0 (Web0S; Linux/SmartTV) " + webKit + "Chrome/%d.0.3945.79 Safari/537.36 WebAppManager"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		u.UserAgent(UserAgentHeaders{UserAgent: fmt.Sprintf(forms[i%len(forms)], i)})
	}
}

func BenchmarkUserAgentRefused(b *testing.B) {
	u := newUserAgents(b, UserAgentLimits{Cached: 1, MissesPerSecond: 0, MissBurst: 0})
	headers := UserAgentHeaders{UserAgent: windows + webKit + "Chrome/131.0.0.0 Safari/537.36"}
	b.ReportAllocs()
	for b.Loop() {
		u.UserAgent(headers)
	}
}
