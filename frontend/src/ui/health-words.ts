import type { GraphHealth, GraphReason, GraphWhy, Ref } from '../api/generated/types.gen';
import { clock, duration, plain, share } from '../lib/format';
import { useUiTexts } from './texts';

/** The sentences about health, in the page's language. */
export interface HealthWords {
  /** "ratings fails": who, and how it is. For healthy, idle and unknown only the name. */
  title(name: string, health: GraphHealth): string;
  /** "v-faulty answers 503 to 49 % of its requests": one reason, without the name of who it is about. */
  reason(reason: GraphReason): string;
  /** "24.6 % errors": one reason where there is little room. */
  short(reason: GraphReason): string;
  /** "Started 13:54, right after lena changed VirtualService ratings." */
  why(why: GraphWhy): string;
  /** What such a sentence names. */
  causes(why: GraphWhy): { started: string; actor: string; what: string; name: string; share: string };
  /** "Since 13:54."; empty where the beginning is not known. */
  since(health: GraphHealth): string;
  /** "UC: ratings closed the connection": Envoy's response flags in words, several joined by commas. */
  flags(flags: string, peer: string): string;
}

type Texts = ReturnType<typeof useUiTexts>;

/** "VirtualService reviews". */
export const refName = (ref: Ref): string => `${ref.kind} ${ref.name}`;

/** "grpc 13" of the server is written "gRPC 13". */
const answerName = (answer: string | undefined): string => (answer ?? '5xx').replace(/^grpc /, 'gRPC ');

/** The words of health for texts that are at hand. */
export function healthWords(t: Texts): HealthWords {
  const title: HealthWords['title'] = (name, { state, reasons }) => {
    const worst = reasons?.[0]?.code;
    if (state === 'failing') {
      return t(worst === 'noEndpoints' ? 'health.title.noEndpoints' : 'health.title.failing', { name });
    }
    if (state === 'degraded') {
      return t(worst === 'slow' ? 'health.title.slow' : 'health.title.degraded', { name });
    }
    return name;
  };

  const reason: HealthWords['reason'] = (r) => {
    const params = {
      answer: answerName(r.answer),
      share: plain(share(r.share ?? 0)),
      p95: plain(duration(r.p95 ?? 0)),
      usual: plain(duration(r.usual ?? 0)),
    };
    if (r.version && r.code !== 'slow' && r.code !== 'noEndpoints') {
      return t(`reason.version.${r.code}`, {
        ...params,
        version: r.version,
        share: plain(share(r.versionShare ?? r.share ?? 0)),
      });
    }
    return t(`reason.${r.code}`, params);
  };

  const short: HealthWords['short'] = (r) => {
    if (r.code === 'slow') {
      return t('reason.short.slow', { p95: plain(duration(r.p95 ?? 0)) });
    }
    return r.code === 'noEndpoints'
      ? t('reason.short.noEndpoints')
      : t('reason.short.errors', { share: plain(share(r.share ?? 0)) });
  };

  const changed = (refs: readonly Ref[]): string => {
    const first = refs[0] ? refName(refs[0]) : '';
    return refs.length > 1 ? t('why.several', { first, count: refs.length - 1 }) : first;
  };

  const causes: HealthWords['causes'] = ({ params }) => ({
    started: params.started ? clock(params.started, 'minute') : '',
    actor: params.actor ?? '',
    what: changed(params.refs ?? []),
    name: params.name ?? '',
    share: plain(share(params.share)),
  });

  const why: HealthWords['why'] = (of) => t(`why.${of.rule}`, causes(of));

  const since: HealthWords['since'] = (health) =>
    health.since ? t(health.atLeast ? 'since.atLeast' : 'since', { time: clock(health.since, 'minute') }) : '';

  const flags: HealthWords['flags'] = (list, peer) =>
    list
      .split(',')
      .map((flag) => flag.trim())
      .filter((flag) => flag !== '' && flag !== '-')
      .map((flag) => {
        const words = t.maybe(`flag.${flag}`, { peer });
        return words ? t('flag', { flag, words }) : flag;
      })
      .join(', ');

  return { title, reason, short, why, causes, since, flags };
}

/** The words of health in the page's language, which the component follows. */
export const useHealthWords = (): HealthWords => healthWords(useUiTexts());
