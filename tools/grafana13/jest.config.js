/** The tests of the front end, with this folder's Grafana and React under them. */
module.exports = {
  ...require('../../jest.config'),
  rootDir: '../..',
  resolver: '<rootDir>/tools/grafana13/resolver.js',
};
