import { css } from '@emotion/css';
import type { GrafanaTheme2, LinkModel } from '@grafana/data';
import { Button, LinkButton, Portal, useStyles2 } from '@grafana/ui';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import type { Spot } from './WorldMap';

/** Something that one can do with a country or a region. */
export interface Action {
  title: string;
  do: () => void;
}

interface Props {
  name: string;
  /** Labels and values, in order. */
  facts: Array<[label: string, text: string]>;
  spot: Spot;
  /** What one can do; undefined while one only points. */
  actions: { links: LinkModel[]; own: Action[] } | undefined;
  onClose: () => void;
}

/** Space in pixels to the pointer and to the edges of the window. */
const GAP = 12;

/** Tells about a country: beside the pointer while one points, and as a dialog with actions once one picked it. */
export function Details({ name, facts, spot, actions, onClose }: Props) {
  const styles = useStyles2(getStyles);
  const box = useRef<HTMLDivElement>(null);
  const [corner, setCorner] = useState<Spot>();
  const picked = actions !== undefined;

  useLayoutEffect(() => {
    const { width, height } = box.current!.getBoundingClientRect();
    const right = spot.x + GAP;
    setCorner({
      x: right + width > window.innerWidth ? Math.max(spot.x - GAP - width, 0) : right,
      y: Math.max(Math.min(spot.y + GAP, window.innerHeight - height - GAP), 0),
    });
  }, [spot, picked, facts.length]);

  useEffect(() => {
    if (!picked) {
      return;
    }
    const before = document.activeElement;
    box.current!.querySelector<HTMLElement>('a, button')?.focus({ preventScroll: true });
    const closeOutside = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current!.contains(event.target)) {
        onClose();
      }
    };
    window.addEventListener('pointerdown', closeOutside);
    return () => {
      window.removeEventListener('pointerdown', closeOutside);
      if (before instanceof HTMLElement || before instanceof SVGElement) {
        before.focus({ preventScroll: true });
      }
    };
  }, [picked, onClose]);

  return (
    <Portal>
      <div
        ref={box}
        role={picked ? 'dialog' : 'tooltip'}
        aria-label={name}
        className={styles.box}
        style={{
          left: corner?.x,
          top: corner?.y,
          visibility: corner ? undefined : 'hidden',
          pointerEvents: picked ? undefined : 'none',
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            onClose();
          }
        }}
      >
        <div className={styles.name}>{name}</div>
        <dl className={styles.facts}>
          {facts.map(([label, text]) => (
            <div key={label} className={styles.fact}>
              <dt>{label}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        {actions && (
          <div className={styles.actions}>
            {actions.links.map((link) => (
              <LinkButton
                key={link.title + link.href}
                size="sm"
                fill="text"
                icon={link.target === '_blank' ? 'external-link-alt' : 'link'}
                href={link.href}
                target={link.target}
                onClick={link.onClick && ((event) => link.onClick!(event))}
              >
                {link.title}
              </LinkButton>
            ))}
            {actions.own.map(({ title, do: act }) => (
              <Button
                key={title}
                size="sm"
                variant="secondary"
                fill="text"
                icon="filter"
                onClick={() => {
                  act();
                  onClose();
                }}
              >
                {title}
              </Button>
            ))}
            <Button size="sm" variant="secondary" fill="text" icon="times" onClick={onClose}>
              Close
            </Button>
          </div>
        )}
      </div>
    </Portal>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    position: 'fixed',
    maxWidth: 320,
    padding: theme.spacing(1),
    background: theme.colors.background.elevated ?? theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    boxShadow: theme.shadows.z2,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  name: css({ fontWeight: theme.typography.fontWeightMedium, marginBottom: theme.spacing(0.5) }),
  facts: css({ margin: 0 }),
  fact: css({
    display: 'flex',
    justifyContent: 'space-between',
    gap: theme.spacing(2),
    dt: { fontWeight: 'normal', color: theme.colors.text.secondary },
    dd: { margin: 0, fontVariantNumeric: 'tabular-nums' },
  }),
  actions: css({
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'flex-start',
    marginTop: theme.spacing(1),
    paddingTop: theme.spacing(0.5),
    borderTop: `1px solid ${theme.colors.border.weak}`,
  }),
});
