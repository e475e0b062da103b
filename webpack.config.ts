import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import CopyWebpackPlugin from 'copy-webpack-plugin';
import type { Configuration } from 'webpack';

const source = path.resolve('src');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const { id } = JSON.parse(readFileSync('plugin.json', 'utf8')) as { id: string };

/** One entry for the data source (src/module.ts) and one for each panel (src/panels/<name>/module.tsx). */
const entry = Object.fromEntries(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|\/)module\.tsx?$/.test(file))
    .map((file) => [file.replace(/\.tsx?$/, ''), path.join(source, file)])
);

/** The time of the build; that of the source where a build is to be repeated (https://reproducible-builds.org/specs/source-date-epoch/). */
const built = process.env.SOURCE_DATE_EPOCH ? new Date(Number(process.env.SOURCE_DATE_EPOCH) * 1000) : new Date();

/** Fills the placeholders that Grafana's plugin.json has for the version and the day of the build. */
function stampPluginJson(content: Buffer): string {
  return content.toString().replaceAll('%VERSION%', version).replaceAll('%TODAY%', built.toISOString().slice(0, 10));
}

/** Builds into dist/ all that Grafana needs of the plugin, except the Go executable. */
const config: Configuration = {
  context: source,
  entry,
  devtool: 'source-map',
  target: ['web', 'es2022'],

  // What Grafana itself hands to plugins; bundled copies would be second instances of it.
  externals: [
    '@emotion/css',
    '@emotion/react',
    'd3',
    'i18next',
    'lodash',
    'moment',
    'react',
    'react-dom',
    'react-redux',
    'react-router',
    'react-router-dom',
    'react/jsx-runtime',
    'redux',
    'rxjs',
    /^@grafana\/(data|runtime|ui)$/,
  ],

  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        loader: 'swc-loader',
        options: {
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'automatic' } },
          },
        },
      },
    ],
  },

  output: {
    path: path.resolve('dist'),
    // The Go build writes its executables into the same folder.
    clean: { keep: /^(gpx_|go_plugin_build_manifest)/ },
    filename: '[name].js',
    library: { type: 'amd' },
    publicPath: `public/plugins/${id}/`,
    uniqueName: id,
  },

  plugins: [
    new CopyWebpackPlugin({
      patterns: [
        { from: '../plugin.json', transform: stampPluginJson },
        { from: 'panels/*/plugin.json', transform: stampPluginJson, noErrorOnMissing: true },
        { from: 'img', to: 'img' },
        { from: 'panels/*/img/*', noErrorOnMissing: true },
        { from: '*.json', context: '../dashboards', to: 'dashboards' },
        'README.md',
        '../CHANGELOG.md',
        '../LICENSE',
      ],
    }),
  ],

  resolve: { extensions: ['.ts', '.tsx', '.js'] },
};

export default config;
