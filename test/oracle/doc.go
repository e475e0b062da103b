// Package oracle holds Streamlens to its rules from outside. It makes up
// random input, works out by brute force what every widget must answer, sends
// the input through the real collector into a real VictoriaMetrics, asks the
// real plugin, and compares. It imports nothing of the product.
//
// The way through the package:
//
//	generate.go  random requests                  (Generator, Delivery)
//	book.go      which of their events count      (Book)
//	session.go   what a session adds, by minute   (Fact)
//	widget.go    what a widget makes of the facts (Widgets, Answer)
//	frame.go     the product's frames as a Table, to be compared with Answer
//	ask_*.go     the ways to ask the product      (Asker)
//
// Run it with
//
//	ORACLE_EVENTS=200000 ORACLE_QUERIES=2000 ORACLE_SEED=7 go test -v ./test/oracle
//
// A new widget is one more entry in Widgets; a new measure is one more Measure
// and the place in session.go or book.go that adds it.
package oracle
