const { dependencies } = require('./package.json');

/** Resolves this folder's packages from here whoever asks for them, and all others as usual. */
module.exports = (request, options) => {
  const [scope, name] = request.split('/');
  const ours = (scope.startsWith('@') ? `${scope}/${name}` : scope) in dependencies;
  const outside = !options.basedir.startsWith(__dirname);
  return options.defaultResolver(request, ours && outside ? { ...options, basedir: __dirname } : options);
};
