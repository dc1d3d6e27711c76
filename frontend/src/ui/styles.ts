import '@patternfly/react-core/dist/styles/base.css';
import '@fontsource-variable/geist/index.css';
import '@fontsource-variable/geist-mono/index.css';
import './theme.css';
import './base.css';
import './patternfly.css';
import './pieces.css';
