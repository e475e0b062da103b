package useragent

import "strings"

// withHints returns what User-Agent says, and client hints say better: which of the computers and phones it is that User-Agent, which
// browsers no longer tell the truth in, may take for another, and which browser. A television or a console that User-Agent names is one,
// whatever it is made from.
func withHints(found Agent, h Headers) Agent {
	named := found.OS
	if platform, ok := osNames[strings.Trim(h.Platform, `"`)]; ok && overruled(found.OS, platform) {
		found.OS = platform
	}
	if h.Mobile == "?1" {
		switch found.OS { // of a mobile browser that asks for desktop sites
		case "Linux":
			found.OS = "Android"
		case "macOS":
			found.OS = "iOS"
		}
	}
	if found.Device == BotDevice {
		return found
	}
	if brand := brandName(h.Brands); brand != "" {
		found.Browser = brand
	}
	if h.UserAgent == "" || found.Device == Desktop && (found.OS != named || h.Mobile == "?1") {
		found.Device = hintedDevice(found.OS, h.Mobile)
	}
	return found
}

// overruled reports whether a platform of client hints counts before the system of User-Agent. Televisions, which run on Linux too,
// give that as their platform.
func overruled(system, platform string) bool {
	switch system {
	case Unknown, Other:
		return true
	case "Windows", "macOS", "Linux", "ChromeOS", "Android":
		return platform != "Linux"
	}
	return false
}

// hintedDevice returns the device of a system and Sec-CH-UA-Mobile.
func hintedDevice(system, mobile string) string {
	switch {
	case mobile == "?1":
		return Mobile
	case system == "Android" || system == "iOS":
		return Tablet
	case system == Unknown || system == Other:
		return OtherDevice
	}
	return deviceOf(system, "")
}

// brandName returns the browser that Sec-CH-UA names, "" if it names none. Among the brands are always Chromium and an
// invented one, and a browser may add that of the browser which it is made from.
func brandName(brands string) string {
	found := ""
	for brand := range strings.SplitSeq(brands, `"`) {
		name, ok := brandNames[brand]
		if ok && (found == "" || found == "Chrome") {
			found = name
		}
	}
	return found
}
