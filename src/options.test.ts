import { optionalUrlError, organizationError, urlError } from './options';

test.each([
  { text: 'http://127.0.0.1:8428', want: undefined },
  { text: 'https://vm.example/prefix/', want: undefined },
  { text: 'http://vmselect:8481/select/7:1/prometheus', want: undefined },
  { text: 'http://[::1]:8428', want: undefined },
  { text: '', want: /enter the address/i },
  { text: '127.0.0.1:8428', want: /http:\/\// },
  { text: 'ftp://vm.example', want: /http:\/\// },
  { text: 'http://', want: /http:\/\// },
  { text: 'http://vm.example:99999', want: /http:\/\// },
  { text: 'http://vm.example/?extra_label=org=other', want: /query string/ },
  { text: 'http://vm.example/?', want: /query string/ },
  { text: 'http://vm.example/#a', want: /fragment/ },
  { text: 'http://user:secret@vm.example', want: /password/ },
  { text: 'http://vmselect:8481/select/multitenant/prometheus', want: /one tenant/ },
])('URL of VictoriaMetrics "$text"', ({ text, want }) => {
  if (want) {
    expect(urlError(text)).toMatch(want);
  } else {
    expect(urlError(text)).toBeUndefined();
  }
});

test.each([
  { text: '', want: undefined },
  { text: 'https://collect.example', want: undefined },
  { text: 'collect.example', want: /http:\/\// },
  { text: 'https://collect.example?x=1', want: /query string/ },
])('Address that may be left out "$text"', ({ text, want }) => {
  if (want) {
    expect(optionalUrlError(text)).toMatch(want);
  } else {
    expect(optionalUrlError(text)).toBeUndefined();
  }
});

test.each([
  { name: 'a word', text: 'acme', want: undefined },
  { name: 'every kind of character', text: 'a-z_09', want: undefined },
  { name: '64 characters', text: 'x'.repeat(64), want: undefined },
  { name: 'nothing', text: '', want: /enter the id/i },
  { name: '65 characters', text: 'x'.repeat(65), want: /1 to 64/ },
  { name: 'upper case', text: 'Acme', want: /1 to 64/ },
  { name: 'a space', text: 'acme inc', want: /1 to 64/ },
  { name: 'a quote', text: 'acme"}', want: /1 to 64/ },
  { name: 'a line break at the end', text: 'acme\n', want: /1 to 64/ },
])('organisation: $name', ({ text, want }) => {
  if (want) {
    expect(organizationError(text)).toMatch(want);
  } else {
    expect(organizationError(text)).toBeUndefined();
  }
});
