import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** An alert rule as it is provisioned. */
export interface Rule {
  uid: string;
  title: string;
  for: string;
  data: Array<{
    datasourceUid: string;
    relativeTimeRange?: { from: number; to: number };
    model: Record<string, unknown>;
  }>;
  labels: Record<string, string>;
}

/** A file of provisioned rules. */
export interface RuleFile {
  groups: Array<{ name: string; interval: string; rules: Rule[] }>;
}

/** The rules of a file of provisioning/alerting. */
export function rulesOf(file: string): RuleFile {
  const path = resolve(__dirname, '../../provisioning/alerting', file);
  return JSON.parse(readFileSync(path, 'utf8')) as RuleFile;
}

/** Lets the rules be evaluated every 10 s, and fire at once. */
export function hurry(file: RuleFile): RuleFile {
  for (const group of file.groups) {
    group.interval = '10s';
    for (const rule of group.rules) {
      rule.for = '0s';
    }
  }
  return file;
}

/** Hurries the rules, and lets them look back less. */
export function shorten(file: RuleFile): RuleFile {
  const shorter: Record<number, number> = { 660: 180, 300: 120, 180: 120 };
  for (const { data } of hurry(file).groups.flatMap(({ rules }) => rules)) {
    for (const { relativeTimeRange: range } of data) {
      if (range) {
        range.from = shorter[range.from] ?? range.from;
        range.to = range.to === 180 ? 60 : range.to;
      }
    }
  }
  return file;
}

/** An instance of a rule. */
export interface Alert {
  state: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** A rule as Grafana's scheduler has it. */
export interface EvaluatedRule {
  uid: string;
  name: string;
  health: string;
  lastError?: string;
  lastEvaluation: string;
  alerts?: Alert[];
}

/** Asks a Grafana as its administrator. */
export async function api(grafana: string, path: string, data?: object): Promise<unknown> {
  const answer = await fetch(`${grafana}${path}`, {
    method: data ? 'POST' : 'GET',
    headers: {
      Authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}`,
      'Content-Type': 'application/json',
    },
    body: data && JSON.stringify(data),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${answer.status} of ${path}: ${text}`);
  }
  return JSON.parse(text);
}

/** The rules on widgets of one of the data sources, as Grafana's scheduler has them. */
export async function evaluatedRules(grafana: string, prefix = 'streamlens'): Promise<EvaluatedRule[]> {
  const answer = (await api(grafana, '/api/prometheus/grafana/api/v1/rules')) as {
    data: { groups: Array<{ name: string; rules: EvaluatedRule[] }> };
  };
  return answer.data.groups
    .filter(({ name }) => name.startsWith('Streams'))
    .flatMap(({ rules }) => rules)
    .filter(({ uid }) => uid.startsWith(`${prefix}-`));
}

/** The alerts of some rules that fire, with the rule's name in short. */
export function firingOf(rules: EvaluatedRule[], prefix = 'streamlens'): Array<Alert & { uid: string }> {
  return rules.flatMap(({ uid, alerts = [] }) =>
    alerts
      .filter(({ state }) => state.startsWith('Alerting'))
      .map((alert) => ({ ...alert, uid: uid.replace(`${prefix}-`, '') }))
  );
}
