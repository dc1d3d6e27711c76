import { Button, type ButtonProps } from '@patternfly/react-core';
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useUiTexts } from './texts';

/** Copies a text, and says so for two seconds. */
export function CopyButton({
  text,
  children,
  variant = 'link',
}: {
  text: string;
  children?: string;
  variant?: NonNullable<ButtonProps['variant']>;
}) {
  const t = useUiTexts();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (copied) {
      const timer = setTimeout(() => setCopied(false), 2000);
      return () => clearTimeout(timer);
    }
  }, [copied]);
  const Icon = copied ? Check : Copy;
  return (
    <Button
      variant={variant}
      size="sm"
      icon={<Icon size={13} strokeWidth={1.7} aria-hidden />}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <span aria-live="polite">{copied ? t('copied') : (children ?? t('copy'))}</span>
    </Button>
  );
}
