import { DashboardBuilder, DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import * as text from '@grafana/grafana-foundation-sdk/text';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ALERTS } from './alerts';
import { WIDGET_ALERTS } from './alerts-widgets';
import { RUNBOOKS_UID, runbookPanel } from './runbook';

const root = path.resolve(__dirname, '../..');

/** Where the documents are that a runbook links. */
const DOCUMENTS = 'https://github.com/streamlens/streamlens/blob/main/docs';

/** A document whose sections of the third level are runbooks, headed by the uid of an alert rule. */
interface Runbook {
  file: string;
  alerts: Array<{ uid: string; title: string }>;
}

const RUNBOOKS: Runbook[] = [
  { file: 'alerts.md', alerts: WIDGET_ALERTS },
  { file: 'operations.md', alerts: ALERTS },
];

/** Returns the section of a document about an alert rule, with links that lead somewhere from within Grafana. */
function sectionOf({ file, alerts }: Runbook, uid: string): string {
  const document = readFileSync(path.join(root, 'docs', file), 'utf8');
  const [, section] = new RegExp(`^### ${uid}\n\n([^]+?)\n(?=\n##|$(?![^]))`, 'm').exec(document) ?? [];
  if (!section) {
    throw new Error(`docs/${file} has no section ${uid}`);
  }
  return section.replace(/\]\(([^)#]*)(#[^)]*)?\)/g, (link, page: string, anchor = '') => {
    if (/^https?:/.test(page)) {
      return link;
    }
    // Grafana lets no other form through that is below its own address, whatever path that has.
    const other = page === '' && alerts.find((alert) => `#${alert.uid}` === anchor);
    return other ? `](./d/${RUNBOOKS_UID}?viewPanel=panel-${runbookPanel(other.uid)})` : `](${DOCUMENTS}/${page || file}${anchor})`;
  });
}

/** Letters of a line on a phone, rows of the grid that a line and a panel's head take, and rows of the shortest panel. */
const LETTERS = 40;
const ROWS_PER_LINE = 0.6;
const HEAD_ROWS = 1.6;
const LEAST_ROWS = 4;

/** Returns the height at which a text need not be scrolled on a phone, where panels keep their height. */
function heightOf(markdown: string): number {
  const shown = markdown.replace(/\]\([^)]*\)/g, '');
  const lines = shown.split(/\n+/).reduce((sum, paragraph) => sum + Math.ceil(paragraph.length / LETTERS), 0);
  return Math.max(LEAST_ROWS, Math.ceil(HEAD_ROWS + ROWS_PER_LINE * lines));
}

/** Makes the dashboard that has what to do about each alert, as Grafana's JSON: whoever is woken may have no other way to the documents. */
export function runbooks(): string {
  // Its successor writes the new schema, which in Grafana 12 is still behind a feature toggle.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const builder = new DashboardBuilder('Streamlens runbooks')
    .uid(RUNBOOKS_UID)
    .description('What each alert means and what to do about it.')
    .tags(['streamlens-operations'])
    .timezone('utc')
    .link(
      new DashboardLinkBuilder('Documents').type(DashboardLinkType.Link).icon('doc').url(`${DOCUMENTS}/alerts.md`).targetBlank(true)
    );
  for (const runbook of RUNBOOKS) {
    for (const { uid, title } of runbook.alerts) {
      builder.withPanel(
        new text.PanelBuilder()
          .id(runbookPanel(uid))
          .title(title)
          .span(12)
          .height(heightOf(sectionOf(runbook, uid)))
          .mode(text.TextMode.Markdown)
          .content(sectionOf(runbook, uid))
      );
    }
  }
  return JSON.stringify(builder.build(), null, 2) + '\n';
}
