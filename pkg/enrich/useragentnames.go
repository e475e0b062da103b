package enrich

import "strings"

// osNames says how the operating systems of ua-parser and of Sec-CH-UA-Platform are shown.
var osNames = map[string]string{
	"Windows":                 "Windows",
	"Windows Phone":           "Windows Phone",
	"Mac OS X":                "macOS",
	"Mac OS":                  "macOS",
	"macOS":                   "macOS",
	"iOS":                     "iOS",
	"ATV OS X":                "tvOS",
	"tvOS":                    "tvOS",
	"Android":                 "Android",
	"Chrome OS":               "ChromeOS",
	"Chromium OS":             "ChromeOS",
	"Chromecast":              "Chromecast",
	"Chromecast Linux":        "Chromecast",
	"Chromecast Android":      "Chromecast",
	"Chromecast Fuchsia":      "Chromecast",
	"Chromecast SmartSpeaker": "Chromecast",
	"Fuchsia":                 "Fuchsia",
	"Linux":                   "Linux",
	"Ubuntu":                  "Linux",
	"Debian":                  "Linux",
	"Fedora":                  "Linux",
	"Red Hat":                 "Linux",
	"CentOS":                  "Linux",
	"SUSE":                    "Linux",
	"openSUSE":                "Linux",
	"Arch Linux":              "Linux",
	"Gentoo":                  "Linux",
	"Linux Mint":              "Linux",
	"Mandriva":                "Linux",
	"Slackware":               "Linux",
	"FreeBSD":                 "BSD",
	"OpenBSD":                 "BSD",
	"NetBSD":                  "BSD",
	"Tizen":                   "Tizen",
	"Web0S":                   "webOS",
	"webOS":                   "webOS",
	"KaiOS":                   "KaiOS",
	"HarmonyOS":               "HarmonyOS",
	"OpenHarmony":             "HarmonyOS",
	"Roku":                    "Roku OS",
	"Mac OS X Roku":           "Roku OS",
	"PlayStation":             "PlayStation",
	"Xbox":                    "Xbox",
	"Nintendo":                "Nintendo",
	"VIDAA":                   "VIDAA",
	"Solaris":                 "Solaris",
}

// osMarks say which operating system a User-Agent with the mark is from, where ua-parser says nothing, or what the
// system is made from. The first one counts.
var osMarks = []struct{ mark, family string }{
	{"Xbox", "Xbox"},
	{"PlayStation", "PlayStation"},
	{"Nintendo", "Nintendo"},
	{"Roku", "Roku"},
	{"VIDAA", "VIDAA"},
	{"OpenHarmony", "OpenHarmony"},
	{"HarmonyOS", "HarmonyOS"},
	{"CriOS/", "iOS"}, // browsers of iOS that ask for desktop sites name macOS
	{"FxiOS/", "iOS"},
	{"EdgiOS/", "iOS"},
}

// browserNames says how the browsers and players of ua-parser are shown, variants for phones, tablets and inside of apps
// under the name of the browser.
var browserNames = map[string]string{
	"Chrome":                     "Chrome",
	"Chrome Mobile":              "Chrome",
	"Chrome Mobile iOS":          "Chrome",
	"Chrome Mobile WebView":      "Chrome",
	"Chromium":                   "Chrome",
	"HeadlessChrome":             "Chrome",
	"Safari":                     "Safari",
	"Mobile Safari":              "Safari",
	"Mobile Safari UI/WKWebView": "Safari",
	"Apple Mail":                 "Safari", // any app of macOS with a web view
	"Firefox":                    "Firefox",
	"Firefox Mobile":             "Firefox",
	"Firefox iOS":                "Firefox",
	"Firefox Focus":              "Firefox",
	"Edge":                       "Edge",
	"Edge Mobile":                "Edge",
	"IE":                         "Internet Explorer",
	"IE Mobile":                  "Internet Explorer",
	"Opera":                      "Opera",
	"Opera Mobile":               "Opera",
	"Opera Mini":                 "Opera",
	"Opera Touch":                "Opera",
	"Opera GX":                   "Opera",
	"Opera Tablet":               "Opera",
	"Samsung Internet":           "Samsung Internet",
	"Brave":                      "Brave",
	"Vivaldi":                    "Vivaldi",
	"Yandex Browser":             "Yandex Browser",
	"DuckDuckGo":                 "DuckDuckGo",
	"DuckDuckGo Mobile":          "DuckDuckGo",
	"UC Browser":                 "UC Browser",
	"MiuiBrowser":                "Mi Browser",
	"Huawei Browser":             "Huawei Browser",
	"QQ Browser":                 "QQ Browser",
	"QQ Browser Mobile":          "QQ Browser",
	"Amazon Silk":                "Silk",
	"Oculus Browser":             "Meta Quest Browser",
	"Whale":                      "Whale",
	"Android":                    "Android Browser",
	"Facebook":                   "Facebook",
	"Instagram":                  "Instagram",
	"Google":                     "Google App",
	"NetFront NX":                "NetFront",
	"NetFront":                   "NetFront",
	"Roku":                       "Roku",
	"VLC":                        "VLC",
	"AppleCoreMedia":             "AppleCoreMedia",
	"FFmpeg":                     "FFmpeg",
	"ExoPlayer":                  "ExoPlayer",
	"okhttp":                     "okhttp",
	"OBS":                        "OBS",
	"curl":                       "curl",
}

// browserMarks say which browser or player a User-Agent with the mark is from, where ua-parser says nothing or what the
// program is made from. The first one counts.
var browserMarks = []struct{ mark, family string }{
	{"OculusBrowser/", "Oculus Browser"},
	{"OPT/", "Opera Touch"},
	{"Roku", "Roku"},
	{"AppleCoreMedia/", "AppleCoreMedia"},
	{"ExoPlayer", "ExoPlayer"},
	{"AndroidXMedia3/", "ExoPlayer"}, // its name since 2023
	{"Lavf/", "FFmpeg"},
	{"obs-studio", "OBS"},
	{"NintendoBrowser/", "NetFront NX"},
}

// brandNames says which browser a brand of Sec-CH-UA is. Chromium is none: User-Agent knows more.
var brandNames = map[string]string{
	"Google Chrome":           "Chrome",
	"Android WebView":         "Chrome",
	"HeadlessChrome":          "Chrome",
	"Microsoft Edge":          "Edge",
	"Microsoft Edge WebView2": "Edge",
	"Opera":                   "Opera",
	"Opera GX":                "Opera",
	"OperaMobile":             "Opera",
	"Brave":                   "Brave",
	"Vivaldi":                 "Vivaldi",
	"Samsung Internet":        "Samsung Internet",
	"YaBrowser":               "Yandex Browser",
	"Yandex":                  "Yandex Browser",
	"DuckDuckGo":              "DuckDuckGo",
	"Whale":                   "Whale",
	"HuaweiBrowser":           "Huawei Browser",
	"Oculus Browser":          "Meta Quest Browser",
}

// osName returns the shown name of the operating system for what ua-parser finds in a User-Agent.
func osName(userAgent, family string) string {
	for _, m := range osMarks {
		if strings.Contains(userAgent, m.mark) {
			family = m.family
			break
		}
	}
	// Apps on an iPad that ask for desktop sites name macOS, but keep the build number of the iPad's "Mobile".
	if strings.Contains(userAgent, "Macintosh") && strings.Contains(userAgent, "Mobile/") {
		family = "iOS"
	}
	if name, ok := osNames[family]; ok {
		return name
	}
	return OtherUserAgent
}

// browserName returns the shown name of the browser or player for what ua-parser finds in a User-Agent, "Bot" for those
// that say they are none.
func browserName(userAgent, family string) string {
	lower := strings.ToLower(family)
	for _, mark := range []string{"bot", "crawler", "spider"} {
		if strings.Contains(lower, mark) {
			return "Bot"
		}
	}
	for _, m := range browserMarks {
		if strings.Contains(userAgent, m.mark) {
			family = m.family
			break
		}
	}
	if name, ok := browserNames[family]; ok {
		return name
	}
	return OtherUserAgent
}
