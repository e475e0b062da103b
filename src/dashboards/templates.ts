/**
 * How a number of an alert stands in its text, in Grafana's template language.
 *
 * While the rule has no data, or fails, there is no such number, and Grafana would drop a text that formats it.
 */
export function told(refId: string, format: string): string {
  return `{{ with $values.${refId} }}{{ ${format} .Value }}{{ else }}an unknown number{{ end }}`;
}
