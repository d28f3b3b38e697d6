import{b as m,c as v,e as w,f as t,n as S,o as O,q as E,x as T}from"./talk-chunk.js";function b({title:o,texts:e,onClose:a,children:l}){let n=w();return v(()=>{n.current.showModal()},[]),t`<dialog ref=${n} onClose=${a} onClick=${({target:r})=>r===n.current&&n.current.close()} aria-labelledby="dialog-title">
<header><h2 id="dialog-title">${o}</h2>
<button class="plain" type="button" onClick=${()=>n.current.close()} aria-label=${e.close}>${T()}</button>
</header>
<div class="inside">${l}</div>
</dialog>`}var D=new Set(["token","resume_token"]),N={title:"Events",help:"The last 200 of this page, the newest first: ← came from the server, → was sent. Sound and tokens are left out.",filter:"Filter",copy:"Copy as JSON",copied:"Copied.",notCopied:"This browser does not let the page copy.",none:"There is none."},F={title:"Ereignisse",help:"Die letzten 200 dieser Seite, das neueste oben: ← kam vom Server, → wurde gesendet. Ton und Token sind weggelassen.",filter:"Filtern",copy:"Als JSON kopieren",copied:"Kopiert.",notCopied:"Dieser Browser lässt die Seite nicht kopieren.",none:"Es gibt keines."},q={en:N,de:F},y=(o,e)=>D.has(o)?"…":e;function A(o,e){let a=e.trim().toLowerCase(),l=n=>`${n.type} ${JSON.stringify(n.data,y)}`.toLowerCase().includes(a);return(a===""?[...o]:o.filter(l)).reverse()}var I=({data:o})=>JSON.stringify(o,y,2);function R(o){let e=o.map(({at:a,isSent:l,type:n,seq:i,data:r})=>({at:new Date(a).toISOString(),from:l?"page":"server",type:n,seq:i,data:r}));return JSON.stringify(e,y,2)}function W(o,e){return new Intl.DateTimeFormat(e,{hour:"2-digit",minute:"2-digit",second:"2-digit",fractionalSecondDigits:3,hourCycle:"h23"}).format(o)}function j({frame:o,code:e}){let[a,l]=m(!1);return t`<details class="frame" onToggle=${({target:n})=>l(n.open)}>
<summary><span class="quiet">${W(o.at,e)}</span> ${o.isSent?"→":"←"} <b>${o.type}</b></summary>
${a&&t`<pre>${I(o)}</pre>`}
</details>`}function J({log:o,texts:e,onClose:a}){let[l,n]=m(""),[i,r]=m(""),[h,$]=m(o.frames),c=q[e.code];v(()=>(o.onChange=()=>$(o.frames),()=>{o.onChange=()=>{}}),[]);let p=A(h,l),u=async()=>{try{await navigator.clipboard.writeText(R(p.toReversed())),r(c.copied)}catch{r(c.notCopied)}};return t`<${b} title=${c.title} texts=${e} onClose=${a}>
<p class="quiet">${c.help}</p>
<label class="field">${c.filter}<input type="search" value=${l} onInput=${({target:g})=>n(g.value)} /></label>
<p class="acts"><button type="button" onClick=${()=>{u()}}>${c.copy}</button><span role="status">${i}</span></p>
${p.length===0&&t`<p>${c.none}</p>`}
<div class="frames">${p.map(g=>t`<${j} key=${g.number} frame=${g} code=${e.code} />`)}</div>
<//>`}var C=100,_=["health/detailed","api/status","api/models","api/tools","api/conversations","metrics","openapi.json"];function M(o,e,a){let l=a.trim().toLowerCase(),n=i=>i.toLowerCase().includes(l);return o.filter(i=>i.language===e&&i.samples.length>0).filter(({samples:i,intent:r})=>i.some(n)||n(r))}function x({talk:o,texts:e,onSay:a,onClose:l}){let[n,i]=m(""),{commands:r,preferences:h}=o,$=r?E(r,h.language,e.code):void 0,c=r?M(r.commands,$,n):[];return t`<${b} title=${e.commands} texts=${e} onClose=${l}>
${r===null&&t`<p role="alert">${e.commandsFailed}</p>`}
${r&&t`
<label class="field">${e.search}<input type="search" value=${n} onInput=${({target:p})=>i(p.value)} /></label>
<ul class="sentences" lang=${$}>${c.slice(0,C).map(({intent:p,samples:u})=>t`<li key=${p+u[0]}>
<button type="button" onClick=${()=>a(u[0])}>${u[0]}</button>
${u.length>1&&t`<p class="quiet">${u.slice(1).join(" · ")}</p>`}
</li>`)}</ul>
${c.length===0&&t`<p>${e.commandsEmpty}</p>`}
${c.length>C&&t`<p>${e.more(c.length-C)}</p>`}
<p class="quiet">${e.anything}</p>`}
<//>`}function U(o,e){let a=URL.createObjectURL(new Blob([S(o.conversation,e)],{type:"text/plain"}));Object.assign(document.createElement("a"),{href:a,download:"sayso.txt"}).click(),URL.revokeObjectURL(a)}var G=(o,e)=>{try{return new Intl.DisplayNames([e.code],{type:"language"}).of(o)}catch{return o}};function f({label:o,value:e,options:a,onChoose:l}){return t`<label class="field">${o}
<select value=${e??""} onChange=${({target:n})=>l(n.value===""?void 0:n.value)}>
${a.map(([n,i])=>t`<option key=${n} value=${n} selected=${n===(e??"")}>${i}</option>`)}
</select>
</label>`}function L({label:o,isOn:e,onChoose:a}){return t`<label class="switch"><input type="checkbox" checked=${e} onChange=${({target:l})=>a(l.checked)} />${o}</label>`}function ee({talk:o,texts:e,onClose:a,onEvents:l}){let{preferences:n,devices:i,commands:r,server:h,voices:$,models:c,wakeWords:p}=o,u=s=>d=>o.choose({[s]:d}),g=(r?.languages??[]).map(s=>[s,G(s,e)]),k=i.map(({deviceId:s,label:d})=>[s,d||s.slice(0,8)]);return t`<${b} title=${e.settings} texts=${e} onClose=${a}>
<fieldset><legend>${e.talkMode}</legend>
${[["hands_free",e.handsFree],["push_to_talk",e.pushToTalk]].map(([s,d])=>t`<label class="switch" key=${s}>
<input type="radio" name="mode" checked=${n.mode===s} onChange=${()=>o.choose({mode:s})} />${d}</label>`)}
</fieldset>
<${L} label=${e.speakAnswers} isOn=${n.speak} onChoose=${u("speak")} />
<${L} label=${e.showDetails} isOn=${n.details} onChoose=${u("details")} />
${k.length>0&&t`<${f} label=${e.microphone} value=${n.deviceId}
options=${[["",e.usualMicrophone],...k]} onChoose=${u("deviceId")} />`}
<${f} label=${e.language} value=${n.language} options=${[["",e.usualLanguage],...g]} onChoose=${u("language")} />
${$.length>1&&t`<${f} label=${e.voice} value=${n.voice}
options=${[["",e.usualVoice],...$.map(({id:s,name:d})=>[s,d])]} onChoose=${u("voice")} />`}
${c.length>1&&t`<${f} label=${e.model} value=${n.model}
options=${[["",e.usualModel(c[0])],...c.slice(1).map(s=>[s,s])]} onChoose=${u("model")} />`}
${p.length>0&&t`<${f} label=${e.wakeWord} value=${o.wake}
options=${[["",e.noWakeWord],...p.map(s=>[s,s])]} onChoose=${s=>o.choose({wake:s??""})} />`}
<${f} label=${e.pageLanguage} value=${n.pageLanguage??e.code}
options=${Object.entries(O)} onChoose=${u("pageLanguage")} />
<p><button type="button" disabled=${o.conversation.turns.length===0} onClick=${()=>U(o,e)}>${e.saveConversation}</button></p>
${n.user!==void 0&&t`<p class="acts"><span class="quiet">${e.youAre(n.user)}</span>
<button type="button" onClick=${()=>{a(),o.logOut()}}>${e.logOut}</button></p>`}
<p class="quiet">${e.keys}</p>
<details><summary>${e.forDevelopers}</summary>
<p><button type="button" onClick=${l}>${e.events}</button></p>
<ul class="links">${_.map(s=>t`<li key=${s}><a href=${s}>/${s}</a></li>`)}</ul>
</details>
${h!==void 0&&t`<p class="quiet">${e.version(h.version)}</p>`}
<//>`}export{x as Commands,J as Events,ee as Settings,M as foundCommands};
