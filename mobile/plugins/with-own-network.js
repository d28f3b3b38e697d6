// Lets the app reach a server of one's own: without TLS in a home network, or with a certificate that the user has
// installed on the phone. Android refuses both by default, and iOS asks for the exception in app.json instead.
const {mkdirSync, writeFileSync} = require('node:fs');
const {join} = require('node:path');
const {AndroidConfig, withAndroidManifest, withDangerousMod} = require('expo/config-plugins');

const CONFIG = `<?xml version="1.0" encoding="utf-8"?>
<network-security-config>
  <base-config cleartextTrafficPermitted="true">
    <trust-anchors>
      <certificates src="system" />
      <certificates src="user" />
    </trust-anchors>
  </base-config>
</network-security-config>
`;

const withFile = (config) =>
  withDangerousMod(config, ['android', (one) => {
    const folder = join(one.modRequest.platformProjectRoot, 'app', 'src', 'main', 'res', 'xml');
    mkdirSync(folder, {recursive: true});
    writeFileSync(join(folder, 'network_security_config.xml'), CONFIG);
    return one;
  }]);

module.exports = (config) =>
  withAndroidManifest(withFile(config), (one) => {
    const application = AndroidConfig.Manifest.getMainApplicationOrThrow(one.modResults);
    application.$['android:networkSecurityConfig'] = '@xml/network_security_config';
    return one;
  });
