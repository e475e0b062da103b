import { css } from '@emotion/css';
import { memo } from 'react';

import type { RankedRow } from '../rows';

interface Props {
  caption: string;
  /** What the rows are: "Country" or "Region". */
  what: string;
  rows: RankedRow[];
  nameOf: (code: string) => string;
  textOf: (value: number | null) => string;
  shareText: (share: number) => string;
}

/** Everything that the map shows as a table, for screen readers only. */
export const DataTable = memo(function DataTable({ caption, what, rows, nameOf, textOf, shareText }: Props) {
  return (
    <table className={hidden}>
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">{what}</th>
          <th scope="col">Value</th>
          <th scope="col">Plays</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ code, rank, value, plays, share }) => (
          <tr key={code}>
            <td>{rank}</td>
            <th scope="row">{nameOf(code)}</th>
            <td>{textOf(value)}</td>
            <td>{plays}</td>
            <td>{share === undefined ? '' : shareText(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
});

const hidden = css({
  position: 'absolute',
  width: 1,
  height: 1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
});
