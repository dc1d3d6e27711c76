import { useQuery } from '@tanstack/react-query';
import type { Fix, FixesInputBody, FixesOutputBody } from './generated/types.gen';
import { request } from './request';

/** Which finding is to be mended: as it was checked in texts, or, without any, in the mesh. */
export type FixQuestion = FixesInputBody;

/** The ways to mend one finding. What a check left out, because there were too many, is looked for here. */
export async function askFixes(question: FixQuestion, signal?: AbortSignal): Promise<readonly Fix[]> {
  const answer = await request<FixesOutputBody>('/api/v1/fixes', {
    method: 'POST',
    body: question,
    ...(signal ? { signal } : {}),
  });
  return answer.fixes ?? [];
}

/** The ways to mend a finding that somebody looks at; undefined until they are known. */
export function useFixes(question: FixQuestion | undefined): readonly Fix[] | undefined {
  const query = useQuery({
    queryKey: ['fixes', question],
    queryFn: ({ signal }) => (question ? askFixes(question, signal) : []),
    enabled: question !== undefined,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  return question ? query.data : undefined;
}
