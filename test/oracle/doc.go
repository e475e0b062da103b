// Package oracle holds Streamlens to its rules from outside. It makes up
// random input, works out by brute force what every widget must answer, sends
// the input through the real collector into a real VictoriaMetrics, asks the
// real plugin, and compares. It imports nothing of the product.
//
// The way through the package:
//
//	generate*.go      random requests, tags and queries (Generator, Delivery)
//	book*.go          what of them counts               (Book)
//	session.go        what a session adds, by minute    (Fact)
//	player.go         the same of players that name their states (CMCD)
//	record.go         what must be kept of a play or broadcast (Book.Records)
//	segments.go       what plays in trouble have in common
//	tags.go           which streams a tag filter leaves (Tags)
//	widget.go         what a widget makes of facts      (Widgets)
//	answer.go         ranges, filters and forms         (Answer)
//	frame.go          the product's frames as a Table, to be compared with Answer
//	ask_*.go          the ways to ask the product       (Asker)
//	product_test.go   all of it against the product
//	records_test.go   the store of plays: lists, timelines, breakdowns, viewers
//	freshness_test.go how soon an event shows
//	badinput_test.go  what no honest sender sends
//
// Run it with
//
//	ORACLE_EVENTS=200000 ORACLE_QUERIES=2000 ORACLE_SEED=7 ORACLE_FRESHNESS=20 go test -v ./test/oracle
//
// ORACLE_PATIENCE is how many seconds it waits before it asks, 15 unless given:
// more where many events meet a machine that has other work, which
// TestFreshness is for.
// ORACLE_STRICT=1 makes it a failure if the product lacks a widget or a filter,
// TEST_STRICT=1 if an executable is missing. VICTORIAMETRICS, STREAMLENS and
// PLUGIN name the executables where they are not the repository's own.
//
// A new widget is one more entry in Widgets; a new measure is one more Measure
// and the place in session.go or book.go that adds it.
package oracle
