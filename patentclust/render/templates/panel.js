// Beside the map: the tooltip, the legend, the search's results and the card of one document.
const MOST_RESULTS = 60;

function fillTip(tip, corpus, index) {
  const line = [corpus.owners(index), corpus.years[index]].filter(Boolean).join(", ");
  const title = make("strong", "", corpus.title(index));
  title.dir = "auto";
  const owner = make("div", "muted", line);
  owner.dir = "auto";
  const cluster = make("div", "", corpus.swatch(corpus.clusters[index]), ` ${corpus.clusterName(index)}`);
  tip.replaceChildren(title, make("div", "muted", corpus.ids[index]), owner, cluster);
}

function moveTip(tip, x, y, width, height) {
  const left = x + 16 + tip.offsetWidth > width ? x - 16 - tip.offsetWidth : x + 16;
  const top = Math.min(y + 12, height - tip.offsetHeight - 4);
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}

function addFact(list, name, value) {
  if (!value || !value.length) return;
  const description = make("dd", "", Array.isArray(value) ? value.join("; ") : value);
  description.dir = "auto";
  list.append(make("dt", "", name), description);
}

function addText(card, name, text) {
  if (!text) return;
  const paragraph = make("p", "text", text);
  paragraph.dir = "auto";
  card.append(make("h4", "", name), paragraph);
}

function registerLinks(corpus, numbers) {
  const links = corpus.registers.map(([name, before, after], position) => {
    const link = make("a", "", name);
    link.href = before + encodeURIComponent(numbers[position]) + after;
    link.rel = "noreferrer noopener";
    link.target = "_blank";
    return link;
  });
  return make("p", "links", ...links);
}

function clusterLine(corpus, index, onCluster) {
  const cluster = corpus.clusters[index];
  const button = make("button", "member", corpus.swatch(cluster), make("span", "", corpus.clusterName(index)));
  button.type = "button";
  button.addEventListener("click", () => onCluster(cluster));
  return button;
}

/** Fill the card at once with what is at hand, and with the rest when it is unpacked; `isCurrent` tells whether it still counts. */
async function fillCard(card, corpus, index, actions) {
  const close = make("button", "", "Close");
  close.type = "button";
  close.id = "card-close";
  close.addEventListener("click", actions.close);
  const title = make("h3", "", corpus.title(index));
  title.dir = "auto";
  card.replaceChildren(make("div", "bar-top", make("span", "muted", corpus.ids[index]), close), title);
  card.append(clusterLine(corpus, index, actions.cluster));
  const detail = await corpus.detail(index);
  if (!actions.isCurrent()) return;
  if (detail === null) {
    card.append(make("p", "muted", "The page is still loading; open this card again in a moment."));
    return;
  }
  if (detail.registers.length) card.append(registerLinks(corpus, detail.registers));
  card.append(factList(corpus, index, detail));
  for (const warning of detail.warnings) card.append(make("p", "warn", warning));
  addText(card, "Abstract", detail.abstract);
  addText(card, "First claim", detail.claim);
  addWhy(card, corpus, index, detail);
  const near = await corpus.near(index);
  if (actions.isCurrent() && near !== null && near.length) addNear(card, corpus, near);
}

/** Why it is in this cluster: the cluster's terms that it holds, its cosine to the middle, and the runner-up. */
function addWhy(card, corpus, index, detail) {
  const topic = corpus.topicOf.get(corpus.clusters[index]);
  const cosine = (name) => (detail[name] / 1000).toFixed(2).replace("-", "−");
  const text = fold(`${corpus.titles[index]} ${detail.abstract} ${detail.claim}`);
  const shared = topic ? topic.terms.filter((term) => text.includes(fold(term))) : [];
  const lines = [];
  if (shared.length) lines.push(`It holds the cluster's terms ${shared.slice(0, 8).join(", ")}.`);
  if (detail.similarity !== null) lines.push(`Cosine to the cluster's middle: ${cosine("similarity")}.`);
  const next = corpus.topicOf.get(detail.runner_up);
  if (next) lines.push(`${topic ? "Runner-up" : "Nearest cluster"}: ${next.label} (${cosine("runner_up_similarity")}).`);
  if (lines.length) addText(card, topic ? "Why this cluster" : "Why no cluster", lines.join("\n"));
}

function addNear(card, corpus, near) {
  const items = near.map(([other, cosine]) => {
    const link = make("a", "", corpus.ids[other]);
    link.href = "#map";
    link.dataset.doc = other;
    const title = make("bdi", "", corpus.title(other));
    return make("li", "", link, " ", title, make("span", "muted", ` ${cosine.toFixed(2)}`));
  });
  card.append(make("h4", "", "Nearest"), make("ul", "exemplars", ...items));
}

function factList(corpus, index, detail) {
  const facts = make("dl", "");
  addFact(facts, "Applicant", corpus.owners(index));
  addFact(facts, "Inventors", detail.inventors);
  addFact(facts, "Published", detail.publication);
  addFact(facts, "Filed", detail.filing);
  addFact(facts, "Priority", detail.priority);
  addFact(facts, "IPC", detail.ipc);
  addFact(facts, "CPC", detail.cpc);
  addFact(facts, "Family", detail.family);
  addFact(facts, "Language", detail.language);
  addFact(facts, "Source", detail.source);
  if (corpus.clusters[index] > NOISE) {
    addFact(facts, "Membership", `${corpus.figure("probability", index)} of 1`);
    addFact(facts, "Silhouette", corpus.figure("silhouette", index));
  }
  if (detail.outlier !== null) addFact(facts, "Outlier", `${(detail.outlier / 1000).toFixed(2)} of 1`);
  return facts;
}

function resultButton(swatch, title, below, onClick) {
  const name = make("span", "", title);
  name.dir = "auto";
  const button = make("button", "", swatch, make("span", "what", name, make("small", "", below)));
  button.type = "button";
  button.addEventListener("click", onClick);
  return make("li", "", button);
}

function fillResults(list, corpus, found, actions) {
  const topics = found.topics.slice(0, 8).map((topic) =>
    resultButton(corpus.swatch(topic.id), topic.label, `cluster, ${topic.size.toLocaleString("en")} members`, () => actions.cluster(topic.id)));
  const documents = found.documents.slice(0, MOST_RESULTS).map((index) =>
    resultButton(corpus.swatch(corpus.clusters[index]), corpus.title(index),
      [corpus.ids[index], corpus.owners(index), corpus.years[index]].filter(Boolean).join(" · "), () => actions.open(index)));
  list.replaceChildren(...topics, ...documents);
}

function foundText(found) {
  const counted = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
  const documents = counted(found.documents.length, "document", "documents");
  const first = found.documents.length > MOST_RESULTS ? ` (the first ${MOST_RESULTS} below)` : "";
  return `${documents}${first}, ${counted(found.topics.length, "cluster", "clusters")}`;
}
