import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import { setTemplateSrv } from '@grafana/runtime';
import { type CustomVariable, EmbeddedScene, SceneFlexLayout, sceneGraph, SceneVariableSet } from '@grafana/scenes';

/**
 * Opens a dashboard with these variables, for tests: Grafana's own scene library replaces them, as it does for
 * dashboards. Only the few lines of Grafana's core that lead there are rewritten, as they are in no package.
 */
export function openDashboard(...variables: CustomVariable[]): void {
  const scene = new EmbeddedScene({
    $variables: new SceneVariableSet({ variables }),
    body: new SceneFlexLayout({ children: [] }),
  });
  setTemplateSrv({
    getVariables: () =>
      variables.map(
        ({ state: { name, type, value, text } }) => ({ name, type, current: { value, text } }) as TypedVariableModel
      ),
    replace: (target, scopedVars?: ScopedVars, format?) =>
      sceneGraph.interpolate(scene, target, scopedVars, format as Parameters<typeof sceneGraph.interpolate>[3]),
    containsTemplate: () => false,
    updateTimeRange: () => {},
  });
}
