import { type DataFrame, type DataQueryResponse, type Field, type FieldConfig, MappingType } from '@grafana/data';

/**
 * The backend's colours for good and bad that are faint as text on white, and what stands for each in the light theme: at least 4.5 to 1, as
 * WCAG 2 wants it.
 */
const ON_WHITE: Record<string, string> = { green: 'dark-green', yellow: '#8f5600', orange: '#b84300', red: 'dark-red' };

/** The kinds of panels that write numbers and words in these colours; others draw lines and areas, which may be lighter. */
const WRITING = ['table', 'stat'];

/** Makes what a panel writes in colours readable in the light theme. Grafana's colours of that theme are made for lines. */
export function makeReadable(
  response: DataQueryResponse,
  panel: string | undefined,
  isLight: boolean
): DataQueryResponse {
  if (!isLight || !panel || !WRITING.includes(panel)) {
    return response;
  }
  const data = (response.data as DataFrame[]).map((frame) => ({ ...frame, fields: frame.fields.map(withReadable) }));
  return { ...response, data };
}

function withReadable(field: Field): Field {
  const { thresholds, mappings } = field.config;
  if (!thresholds && !mappings) {
    return field;
  }
  const config: FieldConfig = { ...field.config };
  if (thresholds) {
    config.thresholds = {
      ...thresholds,
      steps: thresholds.steps.map((step) => ({ ...step, color: darker(step.color) })),
    };
  }
  config.mappings = mappings?.map((mapping) =>
    mapping.type === MappingType.ValueToText
      ? {
          ...mapping,
          options: Object.fromEntries(
            Object.entries(mapping.options).map(([value, result]) => [
              value,
              result.color ? { ...result, color: darker(result.color) } : result,
            ])
          ),
        }
      : mapping
  );
  return { ...field, config };
}

function darker(color: string): string {
  return ON_WHITE[color] ?? color;
}
