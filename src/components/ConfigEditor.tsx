import { type ChangeEvent, useState } from 'react';

import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Button, Field, FieldSet, FileUpload, Input, RadioButtonGroup, SecretInput, TagsInput } from '@grafana/ui';

import { AD_HOC_KEYS, FILTERS } from '../filters';
import {
  countriesError,
  type Level,
  LOGO_TYPES,
  logoError,
  optionalUrlError,
  organizationError,
  type StreamlensOptions,
  type StreamlensSecrets,
  urlError,
} from '../options';
import type { FilterName } from '../query';

type Props = DataSourcePluginOptionsEditorProps<StreamlensOptions, StreamlensSecrets>;

const WIDTH = 60;

const LEVELS: Array<{ label: string; value: Level }> = [
  { label: 'Default', value: 'default' },
  { label: 'Premium', value: 'premium' },
];

/** The settings page of a data source. */
export function ConfigEditor({ options, onOptionsChange }: Props) {
  const { jsonData, secureJsonData, secureJsonFields, readOnly } = options;

  const setOption = (change: Partial<StreamlensOptions>) =>
    onOptionsChange({ ...options, jsonData: { ...jsonData, ...change } });

  const setFixedFilter = (name: FilterName, values: string[]) => {
    // The backend refuses a filter without values, which could mean all or nothing.
    const { [name]: _, ...others } = jsonData.fixedFilters ?? {};
    const fixedFilters = values.length > 0 ? { ...others, [name]: values } : others;
    setOption({ fixedFilters: Object.keys(fixedFilters).length > 0 ? fixedFilters : undefined });
  };

  const setSecret = (name: keyof StreamlensSecrets, value: string) =>
    onOptionsChange({
      ...options,
      secureJsonData: { ...secureJsonData, [name]: value },
      secureJsonFields: { ...secureJsonFields, [name]: false },
    });

  return (
    <>
      <TextField
        id="streamlens-url"
        label="VictoriaMetrics URL"
        description="Single-node, or a cluster with its tenant path, such as http://vmselect:8481/select/7/prometheus"
        placeholder="http://127.0.0.1:8428"
        required
        disabled={readOnly}
        value={jsonData.url ?? ''}
        validate={urlError}
        onChange={(url) => setOption({ url })}
      />
      <Field
        label="VictoriaMetrics token"
        description="Sent as bearer token with every query, if VictoriaMetrics asks for one"
      >
        <SecretInput
          id="streamlens-token"
          width={WIDTH}
          disabled={readOnly}
          isConfigured={Boolean(secureJsonFields?.token)}
          value={secureJsonData?.token ?? ''}
          onChange={(event: ChangeEvent<HTMLInputElement>) => setSecret('token', event.target.value)}
          onReset={() => setSecret('token', '')}
        />
      </Field>
      <TextField
        id="streamlens-organization"
        label="Organisation"
        description="Id of the organisation whose data this data source shows, and no other's"
        placeholder="acme"
        required
        disabled={readOnly}
        value={jsonData.organization ?? ''}
        validate={organizationError}
        onChange={(organization) => setOption({ organization })}
      />
      <Field
        label="Level"
        description="Premium widgets need a premium organisation; if the collector says otherwise, the lower level holds"
      >
        <RadioButtonGroup
          aria-label="Level"
          disabled={readOnly}
          options={LEVELS}
          value={jsonData.level ?? 'default'}
          onChange={(level) => setOption({ level })}
        />
      </Field>
      <TextField
        id="streamlens-collector-url"
        label="Collector URL"
        description="Address of the Streamlens collector, if there is one"
        placeholder="http://127.0.0.1:8095"
        disabled={readOnly}
        value={jsonData.collectorUrl ?? ''}
        validate={optionalUrlError}
        onChange={(collectorUrl) => setOption({ collectorUrl })}
      />
      <TextField
        id="streamlens-plays-url"
        label="Plays URL"
        description="Address of VictoriaLogs, if the collector keeps a record of each play"
        placeholder="http://127.0.0.1:9428"
        disabled={readOnly}
        value={jsonData.playsUrl ?? ''}
        validate={optionalUrlError}
        onChange={(playsUrl) => setOption({ playsUrl })}
      />
      <Field
        label="Plays token"
        description="Sent as bearer token to VictoriaLogs, if what is in front of it asks for one"
      >
        <SecretInput
          id="streamlens-plays-token"
          width={WIDTH}
          disabled={readOnly}
          isConfigured={Boolean(secureJsonFields?.playsToken)}
          value={secureJsonData?.playsToken ?? ''}
          onChange={(event: ChangeEvent<HTMLInputElement>) => setSecret('playsToken', event.target.value)}
          onReset={() => setSecret('playsToken', '')}
        />
      </Field>
      <Field
        label="Block list token"
        description="One of blockListTokens in streamlens.yaml, by which the collector tells who is blocked"
      >
        <SecretInput
          id="streamlens-block-list-token"
          width={WIDTH}
          disabled={readOnly}
          isConfigured={Boolean(secureJsonFields?.blockListToken)}
          value={secureJsonData?.blockListToken ?? ''}
          onChange={(event: ChangeEvent<HTMLInputElement>) => setSecret('blockListToken', event.target.value)}
          onReset={() => setSecret('blockListToken', '')}
        />
      </Field>
      <FieldSet label="Fixed filters">
        <p>
          They hold for every query, list of values, alert and report of this data source. Whoever asks can narrow them,
          and not widen them.
        </p>
        {AD_HOC_KEYS.map((name) => (
          <FixedFilter
            key={name}
            name={name}
            disabled={readOnly}
            values={jsonData.fixedFilters?.[name] ?? []}
            onChange={(values) => setFixedFilter(name, values)}
          />
        ))}
      </FieldSet>
      <FieldSet label="Reports">
        <TextField
          id="streamlens-organization-name"
          label="Name"
          description="How reports name the organisation; its id if this is empty"
          placeholder={jsonData.organization ?? ''}
          disabled={readOnly}
          value={jsonData.organizationName ?? ''}
          onChange={(organizationName) => setOption({ organizationName })}
        />
        <Logo
          disabled={readOnly}
          isSet={Boolean(secureJsonFields?.logo || secureJsonData?.logo)}
          onChange={(logo) => setSecret('logo', logo)}
        />
      </FieldSet>
    </>
  );
}

interface FixedFilterProps {
  name: FilterName;
  disabled?: boolean;
  values: string[];
  onChange: (values: string[]) => void;
}

/** The values of a fixed filter. */
function FixedFilter({ name, disabled, values, onChange }: FixedFilterProps) {
  const error = name === 'country' ? countriesError(values) : undefined;

  return (
    <Field label={FILTERS[name].label} description={FILTERS[name].description} invalid={Boolean(error)} error={error}>
      <TagsInput
        id={`streamlens-fixed-${name}`}
        width={WIDTH}
        placeholder="All"
        addOnBlur
        autoColors={false}
        disabled={disabled}
        invalid={Boolean(error)}
        tags={values}
        onChange={onChange}
      />
    </Field>
  );
}

interface LogoProps {
  disabled?: boolean;
  isSet: boolean;
  /** Gets the image in base64, or an empty text for none. */
  onChange: (logo: string) => void;
}

/** The image at the top of PDF reports. */
function Logo({ disabled, isSet, onChange }: LogoProps) {
  const [error, setError] = useState<string>();

  const choose = async (file?: File) => {
    const wrong = file && logoError(file);
    setError(wrong);
    if (file && !wrong) {
      onChange(await base64(file));
    }
  };

  return (
    <Field
      label="Logo"
      description="PNG or JPEG of up to 1 MiB, at the top of PDF reports"
      invalid={Boolean(error)}
      error={error}
    >
      {/* Field gives its child attributes of inputs. */}
      <div>
        {isSet ? (
          <Button variant="secondary" icon="times" disabled={disabled} onClick={() => onChange('')}>
            Remove logo
          </Button>
        ) : disabled ? (
          <span>None</span>
        ) : (
          <FileUpload accept={LOGO_TYPES.join()} onFileUpload={({ currentTarget }) => choose(currentTarget.files?.[0])}>
            Choose logo
          </FileUpload>
        )}
      </div>
    </Field>
  );
}

/** Reads a file as base64. */
function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^.*,/, ''));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

interface TextFieldProps {
  id: string;
  label: string;
  description: string;
  placeholder: string;
  required?: boolean;
  disabled?: boolean;
  value: string;
  /** Returns what is wrong with the value, in words; without it nothing can be. */
  validate?: (value: string) => string | undefined;
  onChange: (value: string) => void;
}

/** A text input that says what is wrong with its value once somebody has been there. */
function TextField({ label, description, required, value, validate, onChange, ...input }: TextFieldProps) {
  const [isVisited, setVisited] = useState(value !== '');
  const error = isVisited ? validate?.(value) : undefined;

  return (
    <Field label={label} description={description} required={required} invalid={Boolean(error)} error={error}>
      <Input
        {...input}
        width={WIDTH}
        value={value}
        onBlur={() => {
          setVisited(true);
          if (value !== value.trim()) {
            onChange(value.trim());
          }
        }}
        onChange={(event: ChangeEvent<HTMLInputElement>) => onChange(event.target.value)}
      />
    </Field>
  );
}
