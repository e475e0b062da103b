#!/bin/bash
# A server on pion that sends a picture by WebRTC and asks GetStats, made after that of browsers, hears nothing of what it sent: there is no outbound-rtp, nor what the viewer reports of it, though
# both are types of the package. The viewer has an inbound-rtp, with 0 frames and 0 freezes, since nobody counts them. The transport has sent bytes in 0 packets and chosen no pair of
# addresses; every codec that might have been used is there, and not which one is; and what never happened was in 1754 (-6795364578871 ms: Go's zero time
# in nanoseconds, which 64 bits cannot hold). Browsers leave out what they do not have.
#
# Guess before: outbound-rtp with the packets that were sent, units and names as in browsers.
# Seen with github.com/pion/webrtc/v4 v4.2.26 and its default interceptors, stats.go, Go 1.26. Needs Go.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'END'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(err error) { must(0, err) }

func main() {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings))
	server := must(api.NewPeerConnection(webrtc.Configuration{}))
	viewer := must(api.NewPeerConnection(webrtc.Configuration{}))
	track := must(webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video", "live"))
	sender := must(server.AddTrack(track))
	go func() {
		for err := error(nil); err == nil; {
			_, _, err = sender.ReadRTCP()
		}
	}()
	received := make(chan struct{}, 100)
	viewer.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := remote.ReadRTP(); err != nil {
				return
			}
			received <- struct{}{}
		}
	})
	connected := make(chan struct{})
	viewer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	gathered := webrtc.GatheringCompletePromise(server)
	check(server.SetLocalDescription(must(server.CreateOffer(nil))))
	<-gathered
	check(viewer.SetRemoteDescription(*server.LocalDescription()))
	gathered = webrtc.GatheringCompletePromise(viewer)
	check(viewer.SetLocalDescription(must(viewer.CreateAnswer(nil))))
	<-gathered
	check(server.SetRemoteDescription(*viewer.LocalDescription()))
	<-connected
	time.Sleep(time.Second)
	for i := range 20 {
		check(track.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(100 + i), Timestamp: uint32(i * 3000), Marker: true},
			Payload: append([]byte{0x10, 0}, make([]byte, 998)...),
		}))
		<-received
	}
	time.Sleep(2 * time.Second) // in which the viewer reports

	var seen []string
	for _, side := range []*webrtc.PeerConnection{server, viewer} {
		var types []string
		codecs := 0
		never := false
		for _, stats := range side.GetStats() {
			var values map[string]any
			text := must(json.Marshal(stats))
			check(json.Unmarshal(text, &values))
			never = never || strings.Contains(string(text), "-6795364578871")
			switch kind := values["type"].(string); kind {
			case "codec":
				codecs++
			case "inbound-rtp":
				types = append(types, fmt.Sprintf("%s (%v packets, %v frames received, %v freezes, codec %q)", kind, values["packetsReceived"], values["framesReceived"],
					values["freezeCount"], values["codecId"]))
			case "transport":
				types = append(types, fmt.Sprintf("%s (%v packets sent, bytes %t, pair %q)", kind, values["packetsSent"], values["bytesSent"].(float64) > 0, values["selectedCandidatePairId"]))
			case "outbound-rtp", "remote-inbound-rtp", "remote-outbound-rtp":
				types = append(types, kind)
			}
		}
		slices.Sort(types)
		seen = append(seen, fmt.Sprintf("%s; many codecs: %t; the year 1754: %t", strings.Join(types, ", "), codecs > 10, never))
	}
	fmt.Println("server:", seen[0])
	fmt.Println("viewer:", seen[1])
	if seen[0] != `transport (0 packets sent, bytes true, pair ""); many codecs: true; the year 1754: true` ||
		seen[1] != `inbound-rtp (20 packets, 0 frames received, 0 freezes, codec ""), transport (0 packets sent, bytes true, pair ""); many codecs: true; the year 1754: true` {
		fmt.Println("CHANGED")
		os.Exit(1)
	}
}
END
go mod init finding >/dev/null 2>&1
go get github.com/pion/webrtc/v4@v4.2.26 >/dev/null 2>&1
go list -m github.com/pion/webrtc/v4 github.com/pion/interceptor
go run .
