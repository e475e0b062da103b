package main

import (
	"context"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// countryConfig is the configuration of the processor standin_country.
type countryConfig struct {
	Database string `mapstructure:"database"`
}

// newCountryFactory returns the factory of a stand-in for the geoip processor, which cannot be built from public modules. It does
// less: it sets the resource attribute country of each resource from its client.address, in a database of the schema with
// country_code, and nothing else of the place.
func newCountryFactory() processor.Factory {
	return processor.NewFactory(component.MustNewType("standin_country"), func() component.Config { return &countryConfig{} },
		processor.WithLogs(newCountryProcessor, component.StabilityLevelDevelopment))
}

func newCountryProcessor(ctx context.Context, set processor.Settings, config component.Config, next consumer.Logs) (processor.Logs, error) {
	database, err := maxminddb.Open(config.(*countryConfig).Database)
	if err != nil {
		return nil, err
	}
	look := func(_ context.Context, logs plog.Logs) (plog.Logs, error) {
		for _, resource := range logs.ResourceLogs().All() {
			attributes := resource.Resource().Attributes()
			country := "ZZ"
			if text, ok := attributes.Get("client.address"); ok {
				if address, err := netip.ParseAddr(text.Str()); err == nil {
					if err := database.Lookup(address).DecodePath(&country, "country_code"); err != nil {
						return logs, err
					}
				}
			}
			attributes.PutStr("country", country)
		}
		return logs, nil
	}
	return processorhelper.NewLogs(ctx, set, config, next, look, processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}),
		processorhelper.WithShutdown(func(context.Context) error { return database.Close() }))
}
