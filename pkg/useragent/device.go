package useragent

import "strings"

// deviceOf returns the kind of device of a system whose folded user agent has no mark of a device.
func deviceOf(system, folded string) string {
	mobile := strings.Contains(folded, "mobile")
	switch system {
	case "Windows", "macOS", "Linux", "BSD", "ChromeOS", "Solaris":
		return Desktop
	case "iOS", "KaiOS", "Windows Phone":
		return Mobile
	case "Android", "HarmonyOS":
		return androidDevice(folded, mobile)
	case "Tizen", "webOS": // of phones, too
		if mobile || !strings.Contains(folded, "tv") {
			return Mobile
		}
		return TV
	case "tvOS", "VIDAA", "Roku OS", "Chromecast", "TiVo OS", "Vizio OS", "Whale OS", "BrightSign", "Vega OS":
		return TV
	case "PlayStation", "Xbox", "Nintendo":
		return Console
	}
	if mobile {
		return Mobile
	}
	return OtherDevice
}

// androidDevice returns the kind of an Android device: by its model, else by whether its browser says "Mobile", as those of phones do and
// those of tablets and televisions do not. Many apps and old browsers are not as exact as that.
func androidDevice(folded string, mobile bool) string {
	model, build := androidModel(folded)
	if isTVBuild(build) {
		return TV
	}
	switch {
	case model == "":
	case phoneNames.match(model):
		return Mobile
	case tabletNames.match(model):
		return Tablet
	case otherModels.match(model):
		return OtherDevice
	case consoleModels.match(model):
		return Console
	case desktopModels.match(model):
		return Desktop
	case hasPanel(model) || endsTV(model) || tvModels.match(model):
		return TV
	case tabletModels.match(model):
		return Tablet
	case mobile: // the lists that follow have names of phones, too
	case phoneModels.match(model):
		return Mobile
	case strings.Contains(model, "tv") || boxModels.match(model):
		return TV
	}
	if strings.Contains(folded, "/apad") || strings.Contains(folded, "tablet") {
		return Tablet
	}
	// An app that shows pages within itself may leave "Mobile" and "Safari" out.
	if mobile || !strings.Contains(folded, "applewebkit/") || !strings.Contains(folded, "safari/") {
		return Mobile
	}
	return Tablet
}

// androidModel returns the model and the build in a folded user agent of Android: "sm-x200" and "tp1a.220624.014" of
// "… (linux; u; android 13; en-us; sm-x200 build/tp1a.220624.014; wv) …", "" if it has none.
func androidModel(folded string) (model, build string) {
	_, rest, ok := strings.Cut(folded, "android")
	if !ok {
		if _, rest, ok = strings.Cut(folded, "andr0id"); !ok {
			if _, rest, ok = strings.Cut(folded, "adr "); !ok {
				return "", ""
			}
		}
	}
	// The version ends with what follows it, whatever that is.
	end := strings.IndexAny(rest, ";)")
	if end < 0 {
		return "", ""
	}
	rest = strings.TrimLeft(rest[end+1:], " ")
	rest = strings.TrimPrefix(rest, "u; ")
	if language, after, ok := strings.Cut(rest, ";"); ok && isLanguage(language) {
		rest = strings.TrimLeft(after, " ")
	}
	// Some programs name the engine and the build first: "android 4.1.1;applewebkit/534.31;build/jro03h;rc9730c build/jro03h".
	if _, after, ok := strings.Cut(rest, ";build/"); ok && strings.HasPrefix(rest, "applewebkit/") {
		_, rest, _ = strings.Cut(after, ";")
	}
	all := rest
	if end := strings.IndexAny(rest, ";)"); end >= 0 {
		rest = rest[:end]
	}
	rest, _, _ = strings.Cut(rest, " applewebkit/") // where there are no brackets
	var named bool
	if model, build, named = strings.Cut(rest, "build/"); !named {
		_, build, _ = strings.Cut(all, "; build/")
	}
	return strings.TrimSpace(model), build
}

// isLanguage reports whether a text is a language as old browsers name it: "de", "en-us", "zh-hans-cn".
func isLanguage(s string) bool {
	return len(s) == 2 || len(s) >= 3 && (s[2] == '-' || s[2] == '_') &&
		(len(s) <= 6 || strings.Contains(s, "-hans") || strings.Contains(s, "-hant"))
}

// isTVBuild reports whether a build is one of Android TV: its second letter is T and its third letter names TV, as in
// "ptt1.190515.001", "qtg3.200615.002" and "sttc.220920.012".
func isTVBuild(build string) bool {
	if len(build) < 4 || build[0] < 'p' || build[0] > 'z' || build[1] != 't' {
		return false
	}
	switch build[2] {
	case 't':
		return true
	case 'g', 'm', 'o':
		return isDigit(build[3])
	}
	return false
}

// endsTV reports whether a model is called a TV: "beyondtv", "smart tv 4k". Phones with a receiver are a "dtv".
func endsTV(model string) bool {
	for rest := model; ; {
		i := strings.Index(rest, "tv")
		if i < 0 {
			return false
		}
		before := len(model) - len(rest) + i
		after := before + 2
		if (before == 0 || model[before-1] != 'd' && model[before-1] != 'v') && (after == len(model) || !isLetter(model[after]) && !isDigit(model[after])) {
			return true
		}
		rest = rest[i+2:]
	}
}

// hasPanel reports whether a model names the size of a television's panel in inches, between letters and with digits behind it:
// "55u730gr", "hty-24h06w", "sun-led43xu400", "hiberg50yuhd".
func hasPanel(model string) bool {
	for i := 0; i+4 < len(model); i++ {
		if i > 0 && isDigit(model[i-1]) || !isDigit(model[i]) || !isDigit(model[i+1]) || !isLetter(model[i+2]) {
			continue
		}
		switch model[i : i+2] {
		case "19", "20", "22", "24", "28", "32", "39", "40", "42", "43", "48", "49", "50", "55", "58", "60", "65", "70", "75", "77", "82", "83", "85", "86", "98":
		default:
			continue
		}
		letters := i + 2
		for letters < len(model) && isLetter(model[letters]) {
			letters++
		}
		name := model[i+2 : letters]
		if strings.HasSuffix(name, "uhd") || strings.HasSuffix(name, "fhd") {
			return true
		}
		digits := letters
		if digits < len(model) && strings.IndexByte("-_/", model[digits]) >= 0 {
			digits++
		}
		if len(name) > 5 || digits+1 >= len(model) || !isDigit(model[digits]) || !isDigit(model[digits+1]) {
			continue
		}
		// With one letter it may be a phone, "s20a10", unless it stands alone.
		if len(name) > 1 || i <= 1 || strings.IndexByte("-_ d", model[i-1]) >= 0 || strings.IndexByte("-_ ", model[i-2]) >= 0 {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// patterns are patterns of models, by the character with which what they match begins: those of the beginning of a model, and those of
// any place in it.
type patterns struct{ beginning, anywhere [256][]string }

// newPatterns returns the patterns in a text, with spaces between them. Of a pattern, "^" is the beginning of the model, "$" its end,
// "#" a digit, "@" a letter, "~" a place with no letter after or before it, "_" a space or a "_"; all else stands for itself.
func newPatterns(text string) *patterns {
	var p patterns
	for pattern := range strings.FieldsSeq(text) {
		of := &p.anywhere
		if rest, ok := strings.CutPrefix(pattern, "^"); ok {
			pattern, of = rest, &p.beginning
		}
		switch first := strings.TrimLeft(pattern, "~")[0]; first {
		case '#':
			for c := '0'; c <= '9'; c++ {
				of[c] = append(of[c], pattern)
			}
		case '_':
			of['_'], of[' '] = append(of['_'], pattern), append(of[' '], pattern)
		default:
			of[first] = append(of[first], pattern)
		}
	}
	return &p
}

// match reports whether a model, which is not empty, has any of the patterns in it.
func (p *patterns) match(model string) bool {
	for _, pattern := range p.beginning[model[0]] {
		if matches(pattern, model, 0) {
			return true
		}
	}
	for i := range len(model) {
		for _, pattern := range p.anywhere[model[i]] {
			if matches(pattern, model, i) {
				return true
			}
		}
	}
	return false
}

// matches reports whether a model has a pattern at a place.
func matches(pattern, model string, at int) bool {
	for i := range len(pattern) {
		switch c := pattern[i]; {
		case c == '$':
			if at != len(model) {
				return false
			}
			continue
		case c == '~' && i == 0:
			if at > 0 && isLetter(model[at-1]) {
				return false
			}
			continue
		case c == '~':
			if at < len(model) && isLetter(model[at]) {
				return false
			}
			continue
		case at == len(model):
			return false
		case c == '#':
			if !isDigit(model[at]) {
				return false
			}
		case c == '@':
			if !isLetter(model[at]) {
				return false
			}
		case c == '_':
			if model[at] != '_' && model[at] != ' ' {
				return false
			}
		case model[at] != c:
			return false
		}
		at++
	}
	return true
}
