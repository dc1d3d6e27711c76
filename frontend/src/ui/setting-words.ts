import { useUiTexts } from './texts';

/** Names settings as the API calls them: "Split", "Subset v1"; what has no words keeps its name. */
export function useSettingName(): (setting: string) => string {
  const t = useUiTexts();
  return (setting) => {
    const subset = /^subset (.*)$/.exec(setting)?.[1];
    return subset !== undefined ? t('setting.subset', { name: subset }) : (t.maybe(`setting.${setting}`) ?? setting);
  };
}
