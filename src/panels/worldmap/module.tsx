import { FieldConfigProperty, PanelPlugin, ThresholdsMode } from '@grafana/data';

import { WorldMapPanel } from './components/WorldMapPanel';
import { DEFAULTS, type Options } from './options';
import { DEFAULT_COLOR_MODE } from './scale';

/** What Grafana loads: the panel, its field options and its own. */
export const plugin = new PanelPlugin<Options>(WorldMapPanel)
  .useFieldConfig({
    disableStandardOptions: [FieldConfigProperty.Filterable],
    standardOptions: {
      [FieldConfigProperty.Color]: {
        defaultValue: { mode: DEFAULT_COLOR_MODE },
        settings: { byValueSupport: true, preferThresholdsMode: false },
      },
      [FieldConfigProperty.Thresholds]: {
        // A single step, so that the panel can tell the thresholds that somebody has set.
        defaultValue: { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'semi-dark-blue' }] },
      },
    },
  })
  .setPanelOptions((builder) =>
    builder
      .addRadio({
        path: 'style',
        name: 'Style',
        description: 'Small countries are points in any case.',
        defaultValue: DEFAULTS.style,
        settings: {
          options: [
            { value: 'countries', label: 'Countries' },
            { value: 'markers', label: 'Markers' },
            { value: 'both', label: 'Both' },
          ],
        },
      })
      .addRadio({
        path: 'view',
        name: 'Level',
        description: 'What is shown first. One can switch in the panel.',
        defaultValue: DEFAULTS.view,
        settings: {
          options: [
            { value: 'countries', label: 'Countries' },
            { value: 'regions', label: 'Regions' },
          ],
        },
      })
      .addSelect({
        path: 'spread',
        name: 'Spread of the colours',
        description: 'Automatic is logarithmic for sums, so that small countries differ too, and linear for averages.',
        defaultValue: DEFAULTS.spread,
        settings: {
          options: [
            { value: 'automatic', label: 'Automatic' },
            { value: 'linear', label: 'Linear' },
            { value: 'logarithmic', label: 'Logarithmic' },
          ],
        },
      })
      .addSelect({
        path: 'aggregation',
        name: 'Regions and total',
        description: 'Averages are weighted by the column "weight" or, without one, "plays".',
        defaultValue: DEFAULTS.aggregation,
        settings: {
          options: [
            { value: 'automatic', label: 'Automatic: as the metric needs it, else sum' },
            { value: 'sum', label: 'Sum' },
            { value: 'average', label: 'Average' },
          ],
        },
      })
      .addRadio({
        path: 'projection',
        name: 'Projection',
        description: 'Equal Earth keeps areas true.',
        defaultValue: DEFAULTS.projection,
        settings: {
          options: [
            { value: 'equalEarth', label: 'Equal Earth' },
            { value: 'naturalEarth', label: 'Natural Earth' },
          ],
        },
      })
      .addFieldNamePicker({
        path: 'valueField',
        name: 'Value',
        description: 'The column with the numbers. Default: "value", or else the first one with numbers.',
        defaultValue: DEFAULTS.valueField,
        settings: { filter: ({ type }) => type === 'number', noFieldsMessage: 'No column has numbers' },
      })
      .addBooleanSwitch({ path: 'ranking', name: 'Top 10', defaultValue: DEFAULTS.ranking })
      .addBooleanSwitch({ path: 'legend', name: 'Legend', defaultValue: DEFAULTS.legend })
      .addTextInput({
        path: 'metricVariable',
        name: 'Variable of the metric',
        description: 'The dashboard variable that the metric switch sets. Without such a variable there is no switch.',
        defaultValue: DEFAULTS.metricVariable,
      })
      .addTextInput({
        path: 'countryVariable',
        name: 'Variable of the country',
        description: 'The dashboard variable that a click on a country can set.',
        defaultValue: DEFAULTS.countryVariable,
      })
  );
