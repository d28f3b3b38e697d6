import{b as v,c as C,e as k,f as a,n as y,o as w,q as L,x as O}from"./talk-chunk.js";function m({title:n,texts:e,onClose:i,children:l}){let s=k();return C(()=>{s.current.showModal()},[]),a`<dialog ref=${s} onClose=${i} onClick=${({target:t})=>t===s.current&&s.current.close()} aria-labelledby="dialog-title">
<header><h2 id="dialog-title">${n}</h2>
<button class="plain" type="button" onClick=${()=>s.current.close()} aria-label=${e.close}>${O()}</button>
</header>
<div class="inside">${l}</div>
</dialog>`}var b=100,j=["health/detailed","api/status","api/models","api/tools","api/conversations","metrics","openapi.json"];function A(n,e,i){let l=i.trim().toLowerCase(),s=c=>c.toLowerCase().includes(l);return n.filter(c=>c.language===e&&c.samples.length>0).filter(({samples:c,intent:t})=>c.some(s)||s(t))}function G({talk:n,texts:e,onSay:i,onClose:l}){let[s,c]=v(""),{commands:t,preferences:g}=n,d=t?L(t,g.language,e.code):void 0,u=t?A(t.commands,d,s):[];return a`<${m} title=${e.commands} texts=${e} onClose=${l}>
${t===null&&a`<p role="alert">${e.commandsFailed}</p>`}
${t&&a`
<label class="field">${e.search}<input type="search" value=${s} onInput=${({target:$})=>c($.value)} /></label>
<ul class="sentences" lang=${d}>${u.slice(0,b).map(({intent:$,samples:r})=>a`<li key=${$+r[0]}>
<button type="button" onClick=${()=>i(r[0])}>${r[0]}</button>
${r.length>1&&a`<p class="quiet">${r.slice(1).join(" · ")}</p>`}
</li>`)}</ul>
${u.length===0&&a`<p>${e.commandsEmpty}</p>`}
${u.length>b&&a`<p>${e.more(u.length-b)}</p>`}
<p class="quiet">${e.anything}</p>`}
<//>`}function W(n,e){let i=URL.createObjectURL(new Blob([y(n.conversation,e)],{type:"text/plain"}));Object.assign(document.createElement("a"),{href:i,download:"sayso.txt"}).click(),URL.revokeObjectURL(i)}var q=(n,e)=>{try{return new Intl.DisplayNames([e.code],{type:"language"}).of(n)}catch{return n}};function h({label:n,value:e,options:i,onChoose:l}){return a`<label class="field">${n}
<select value=${e??""} onChange=${({target:s})=>l(s.value===""?void 0:s.value)}>
${i.map(([s,c])=>a`<option key=${s} value=${s} selected=${s===(e??"")}>${c}</option>`)}
</select>
</label>`}function S({label:n,isOn:e,onChoose:i}){return a`<label class="switch"><input type="checkbox" checked=${e} onChange=${({target:l})=>i(l.checked)} />${n}</label>`}function N({talk:n,texts:e,onClose:i}){let{preferences:l,devices:s,commands:c,server:t,voices:g,models:d,wakeWords:u}=n,$=o=>p=>n.choose({[o]:p}),r=(c?.languages??[]).map(o=>[o,q(o,e)]),f=s.map(({deviceId:o,label:p})=>[o,p||o.slice(0,8)]);return a`<${m} title=${e.settings} texts=${e} onClose=${i}>
<fieldset><legend>${e.talkMode}</legend>
${[["hands_free",e.handsFree],["push_to_talk",e.pushToTalk]].map(([o,p])=>a`<label class="switch" key=${o}>
<input type="radio" name="mode" checked=${l.mode===o} onChange=${()=>n.choose({mode:o})} />${p}</label>`)}
</fieldset>
<${S} label=${e.speakAnswers} isOn=${l.speak} onChoose=${$("speak")} />
<${S} label=${e.showDetails} isOn=${l.details} onChoose=${$("details")} />
${f.length>0&&a`<${h} label=${e.microphone} value=${l.deviceId}
options=${[["",e.usualMicrophone],...f]} onChoose=${$("deviceId")} />`}
<${h} label=${e.language} value=${l.language} options=${[["",e.usualLanguage],...r]} onChoose=${$("language")} />
${g.length>1&&a`<${h} label=${e.voice} value=${l.voice}
options=${[["",e.usualVoice],...g.map(({id:o,name:p})=>[o,p])]} onChoose=${$("voice")} />`}
${d.length>1&&a`<${h} label=${e.model} value=${l.model}
options=${[["",e.usualModel(d[0])],...d.slice(1).map(o=>[o,o])]} onChoose=${$("model")} />`}
${u.length>0&&a`<${h} label=${e.wakeWord} value=${n.wake}
options=${[["",e.noWakeWord],...u.map(o=>[o,o])]} onChoose=${o=>n.choose({wake:o??""})} />`}
<${h} label=${e.pageLanguage} value=${l.pageLanguage??e.code}
options=${Object.entries(w)} onChoose=${$("pageLanguage")} />
<p><button type="button" disabled=${n.conversation.turns.length===0} onClick=${()=>W(n,e)}>${e.saveConversation}</button></p>
${l.user!==void 0&&a`<p class="acts"><span class="quiet">${e.youAre(l.user)}</span>
<button type="button" onClick=${()=>{i(),n.logOut()}}>${e.logOut}</button></p>`}
<p class="quiet">${e.keys}</p>
<details><summary>${e.forDevelopers}</summary>
<ul class="links">${j.map(o=>a`<li key=${o}><a href=${o}>/${o}</a></li>`)}</ul>
</details>
${t!==void 0&&a`<p class="quiet">${e.version(t.version)}</p>`}
<//>`}export{G as Commands,N as Settings,A as foundCommands};
