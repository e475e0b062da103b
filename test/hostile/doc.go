// Package hostile attacks a real collector in front of a real VictoriaMetrics, while a client that means well goes on posting.
// Each attack must leave the process alive and its memory bounded, must be counted where it is refused, and must not keep the
// good client from an answer in time. It shares no code with the product.
//
//	hostile_test.go    what every attack must leave as it was
//	client_test.go     the client that means well
//	target.go          how attackers reach the collector
//	connections.go     attacks that hold or flood connections
//	requests.go        attacks with requests that break HTTP
//	bodies.go          attacks with bodies
//	floods.go          attacks with values that differ each time, and with keys
//	reads.go           attacks of those who read
//
// Run it with
//
//	go test -count=1 -v ./test/hostile
//
// The good client's time is compared with that of a plain server, so that other work on the machine does not count; the figures
// of each attack are printed. It needs Linux, where every 127.0.0.x is an address of its own. HOSTILE=long makes each attack last
// 20 s instead of 3 s. TEST_STRICT=1 makes it a failure if an executable is missing. VICTORIAMETRICS and STREAMLENS name the executables where they are not the repository's own.
package hostile
