// Package tenancy attacks a real plugin process, in front of a real collector and a real VictoriaMetrics that hold two
// organisations: acme, as which it asks, and victim, whose data must not come out whatever is asked. Everything that the plugin
// says is searched for what only victim has: its frames, errors, notices, resources, health checks and log. A control asks as
// victim and must find all of it, so that the search is known to work.
//
// The way in is attacked too: nothing that acme's keys open may store anything for victim, or read it.
//
// A second test lets both processes fail in every way it knows, and searches what they say for secrets and for personal data.
// It shares no code with the product but the protocol of Grafana's plugins.
//
//	world.go           VictoriaMetrics, collector and plugin, and what the two organisations have
//	plugin.go          asks the plugin as Grafana does
//	leak.go            the search
//	queries_test.go    query models, headers, settings
//	resources_test.go  resources
//	downloads_test.go  resources that answer with files
//	fixed_test.go      fixed filters of a data source, within one organisation
//	ingest_test.go     the way in, and the command line
//	secrets_test.go    secrets and personal data
//	privacy_test.go    what is kept of an address, by the modes of privacy
//
// Run it with
//
//	go test -count=1 -v ./test/tenancy
//
// VICTORIAMETRICS, STREAMLENS and PLUGIN name the executables where they are not the repository's own. TEST_STRICT=1 makes
// it a failure if one is missing.
package tenancy
