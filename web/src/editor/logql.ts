import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { LanguageSupport, LRLanguage } from '@codemirror/language';
import { linter } from '@codemirror/lint';
import type { Extension } from '@codemirror/state';
import { parser } from '@grafana/lezer-logql';
import { styleTags, tags as t } from '@lezer/highlight';
import type { SyntaxNode } from '@lezer/common';
import { labelNames, labelValues } from '../api/loki';
import { matcherText, parseMatcher, quote, type Matcher } from '../format/labels';

const ranges = 'CountOverTime Rate RateCounter BytesOverTime BytesRate AvgOverTime SumOverTime MinOverTime MaxOverTime StddevOverTime StdvarOverTime QuantileOverTime FirstOverTime LastOverTime AbsentOverTime';
const vectors = 'Sum Avg Count Max Min Stddev Stdvar Bottomk Topk Sort Sort_Desc ApproxCountDistinct Approx_Topk LabelReplace Vector';
const stages = 'Json Logfmt Regexp Unpack Pattern Unwrap LabelFormat LineFormat Decolorize Drop Keep DurationConv DurationSecondsConv BytesConv Ip';

const language = LRLanguage.define({
  parser: parser.configure({
    props: [
      styleTags({
        [ranges]: t.function(t.variableName),
        [vectors]: t.function(t.variableName),
        [stages]: t.function(t.variableName),
        'By Without On Ignoring GroupLeft GroupRight Bool Offset And Or Unless': t.keyword,
        Identifier: t.labelName,
        String: t.string,
        'Number Duration Bytes': t.number,
        'Eq Neq Re Nre Npa PipeExact PipeMatch PipePattern Pipe Gtr Gte Lss Lte Eql Add Sub Mul Div Mod Pow': t.operator,
        LineComment: t.lineComment,
        '( ) { } [ ] ,': t.punctuation,
      }),
    ],
  }),
  languageData: { closeBrackets: { brackets: ['(', '[', '{', '"', '`'] }, commentTokens: { line: '#' } },
});

const parsers = ['json', 'logfmt', 'pattern', 'regexp', 'unpack', 'line_format', 'label_format', 'drop', 'keep', 'unwrap', 'decolorize'];
const functions = ['rate', 'count_over_time', 'bytes_rate', 'bytes_over_time', 'sum_over_time', 'avg_over_time', 'max_over_time', 'min_over_time', 'quantile_over_time', 'absent_over_time', 'sum', 'avg', 'min', 'max', 'count', 'topk', 'bottomk', 'sort', 'sort_desc'];

/** What the text before the cursor asks for. */
export type Wanted = { kind: 'label'; from: number } | { kind: 'value'; from: number; label: string; matchers: string } | { kind: 'stage'; from: number } | { kind: 'function'; from: number } | null;

export function wantedAt(before: string): Wanted {
  const open = before.lastIndexOf('{');
  const close = before.lastIndexOf('}');
  if (open > close) {
    const inside = before.slice(open + 1);
    const value = /([\p{L}_][\p{L}\p{N}_.-]*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/u.exec(inside);
    if (value !== null) {
      const others = inside.slice(0, value.index).replace(/,\s*$/, '').trim();
      return { kind: 'value', from: before.length - (value[2] ?? '').length, label: value[1] ?? '', matchers: others === '' ? '' : `{${others}}` };
    }
    const label = /(?:^|,)\s*([\p{L}_][\p{L}\p{N}_]*)?$/u.exec(inside);
    return label === null ? null : { kind: 'label', from: before.length - (label[1] ?? '').length };
  }
  const stage = /\|\s*([a-z_]*)$/.exec(before);
  if (close >= 0 && stage !== null) return { kind: 'stage', from: before.length - (stage[1] ?? '').length };
  const word = /(?:^|[(,\s])([a-z_]+)$/.exec(before);
  return word === null || close >= 0 ? null : { kind: 'function', from: before.length - (word[1] ?? '').length };
}

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const wanted = wantedAt(context.state.sliceDoc(0, context.pos));
  if (wanted === null) return null;
  const valid = /^[\p{L}\p{N}_.:/-]*$/u;
  try {
    switch (wanted.kind) {
      case 'label':
        return { from: wanted.from, validFor: valid, options: (await labelNames()).map((label) => ({ label, apply: `${label}="`, type: 'property' })) };
      case 'value':
        return { from: wanted.from, validFor: /^[^"]*$/, options: (await labelValues(wanted.label, wanted.matchers)).map((label) => ({ label, type: 'text' })) };
      case 'stage':
        return { from: wanted.from, validFor: valid, options: parsers.map((label) => ({ label, type: 'keyword' })) };
      case 'function':
        return { from: wanted.from, validFor: valid, options: functions.map((label) => ({ label, type: 'function' })) };
    }
  } catch {
    // Completion is a help: without an answer there is none.
    return null;
  }
}

const checks = linter(
  (view) => {
    const text = view.state.doc.toString();
    const spot = text.trim() === '' ? null : syntaxError(text);
    return spot === null ? [] : [{ from: spot, to: Math.min(spot + 1, text.length), severity: 'error' as const, message: 'The query cannot be read from here on.' }];
  },
  { delay: 600 },
);

export function logqlLanguage(): Extension {
  return [new LanguageSupport(language), autocompletion({ override: [complete] }), checks];
}

/** Position of the first part that does not parse; null for a whole query. */
export function syntaxError(query: string): number | null {
  let at: number | null = null;
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError && at === null) at = Math.min(node.from, Math.max(query.length - 1, 0));
    },
  });
  return at;
}

function nodes(query: string, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  parser.parse(query).iterate({
    enter(node) {
      if (node.name === name) found.push(node.node);
    },
  });
  return found;
}

/** Whether the query gives numbers rather than lines. */
export function isMetricQuery(query: string): boolean {
  return nodes(query, 'MetricExpr').length > 0;
}

/** Matchers of the first stream selector. */
export function streamMatchers(query: string): Matcher[] {
  const selector = nodes(query, 'Selector')[0];
  if (selector === undefined) return [];
  const matchers: Matcher[] = [];
  selector.cursor().iterate((node) => {
    if (node.name !== 'Matcher') return;
    const parsed = parseMatcher(query.slice(node.from, node.to));
    if (parsed !== null) matchers.push(parsed);
  });
  return matchers;
}

/** Where a field of a line comes from: the stream, beside the line, or inside its text. */
export type FieldKind = 'stream' | 'metadata' | 'json' | 'logfmt';

/**
 * Keeps (`equal`) or drops the lines that have the label: inside the selector for a stream's own label, as a filter after
 * the pipeline for any other. A field that is only in the line's text gets the parser that reads it.
 */
export function withLabel(query: string, field: string, value: string, equal: boolean, kind: FieldKind): string {
  const name = kind === 'stream' ? field : field.replace(/[^a-zA-Z0-9_]/g, '_');
  const selector = nodes(query, 'Selector')[0];
  if (selector === undefined) return `{${name}${equal ? '=' : '!='}${quote(value)}}`;
  if (kind === 'stream') {
    const kept = streamMatchers(query).filter((m) => !(m.name === name && !m.isRegex && (equal ? m.isEqual || m.value === value : m.value === value)));
    const added: Matcher = { name, value, isRegex: false, isEqual: equal };
    return `${query.slice(0, selector.from)}{${[...kept, added].map(matcherText).join(', ')}}${query.slice(selector.to)}`;
  }
  const parsed = kind === 'metadata' || nodes(query, 'LabelParser').length + nodes(query, 'LogfmtParser').length > 0;
  return insertStage(parsed ? query : insertStage(query, `| ${kind}`), `| ${name}${equal ? '=' : '!='}${quote(value)}`);
}

/** Keeps or drops the lines that contain the text. */
export function withLineFilter(query: string, text: string, keep: boolean): string {
  return insertStage(query, `${keep ? '|=' : '!='} ${quote(text)}`);
}

function insertStage(query: string, stage: string): string {
  const log = nodes(query, 'LogExpr')[0] ?? nodes(query, 'LogRangeExpr')[0];
  const pipeline = nodes(query, 'PipelineExpr')[0];
  const selector = nodes(query, 'Selector')[0];
  const end = pipeline?.to ?? selector?.to ?? log?.to ?? query.length;
  if (query.slice(0, end).includes(stage)) return query;
  return `${query.slice(0, end)} ${stage}${query.slice(end)}`;
}

/** Lines per level and step, for the histogram above the lines. */
export function volumeQuery(query: string, stepSeconds: number): string {
  return `sum by (level, detected_level) (count_over_time(${query.trim()} | drop __error__, __error_details__ [${stepSeconds}s]))`;
}

/** The texts that line filters look for, to be highlighted in the lines. */
export function searchedTexts(query: string): string[] {
  return nodes(query, 'LineFilter')
    .filter((node) => node.getChild('Filter')?.getChild('PipeExact') != null)
    .map((node) => {
      const string = node.getChild('String');
      return string === null ? '' : query.slice(string.from + 1, string.to - 1).replace(/\\(.)/g, '$1');
    })
    .filter((each) => each !== '');
}
