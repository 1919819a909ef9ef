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

// Opened from disk, the page may lead to other files there; "!" divides an archive from what is in it, "#3" is the third
// document of a file.
function linkToOriginal(place, path) {
  const file = path.split("!")[0].replace(/#\d+$/, "");
  if (location.protocol !== "file:" || !/^(\/[^/\\]|[A-Za-z]:[\\/])/.test(file)) return;
  const link = make("a", "", path);
  link.href = "file:///" + file.replaceAll("\\", "/").replace(/^\//, "").split("/").map(encodeURIComponent).join("/").replace(/^([A-Za-z])%3A/, "$1:");
  place.replaceChildren(link);
}

function addText(card, name, text) {
  if (!text) return;
  const paragraph = make("p", "text", text);
  paragraph.dir = "auto";
  card.append(make("h4", "", name), paragraph);
}

function registerLinks(corpus, numbers) {
  const links = corpus.registers.flatMap(([name, before, after], position) => {
    if (!numbers[position]) return [];
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
  const close = make("button", "", say("close"));
  close.type = "button";
  close.id = "card-close";
  close.addEventListener("click", actions.close);
  const title = make("h3", "", corpus.title(index));
  title.dir = "auto";
  card.replaceChildren(make("div", "bar-top", make("span", "muted", corpus.ids[index]), close), title);
  card.append(clusterLine(corpus, index, actions.cluster));
  const [detail, links] = await Promise.all([corpus.detail(index), corpus.links()]);
  if (!actions.isCurrent()) return;
  if (detail === null || links === null) {
    card.append(make("p", "muted", say("loading")));
    return;
  }
  card.append(outwardLinks(corpus, index, detail.registers));
  card.append(factList(corpus, index, detail, links.invented[index].map((name) => links.inventors[name])));
  for (const warning of detail.warnings) card.append(make("p", "warn", warning));
  addText(card, say("abstract"), detail.abstract);
  addText(card, say("first_claim"), detail.claim);
  if (detail.cut) card.append(make("p", "muted", say("cut")));
  addFamily(card, corpus, index);
  addWhy(card, corpus, index, detail);
  const near = await corpus.near(index);
  if (actions.isCurrent() && near !== null && near.length) addNear(card, corpus, near);
}

function outwardLinks(corpus, index, numbers) {
  const walk = make("a", "", say("walk"));
  walk.href = "#graph";
  walk.dataset.node = `patent:${corpus.ids[index]}`;
  const paragraph = numbers.length ? registerLinks(corpus, numbers) : make("p", "links");
  paragraph.append(walk);
  return paragraph;
}

/** Why it is in this cluster: the cluster's terms that it holds, its cosine to the middle, and the runner-up. */
function addWhy(card, corpus, index, detail) {
  const topic = corpus.topicOf.get(corpus.clusters[index]);
  const cosine = (name) => (detail[name] / 1000).toFixed(2).replace("-", "−");
  const text = fold(`${corpus.titles[index]} ${detail.abstract} ${detail.claim}`);
  const shared = topic ? topic.terms.filter((term) => text.includes(fold(term))) : [];
  const lines = [];
  if (shared.length) lines.push(say("shared_terms", { terms: shared.slice(0, 8).join(", ") }));
  if (detail.similarity !== null) lines.push(say("cosine_to_middle", { value: cosine("similarity") }));
  const next = corpus.topicOf.get(detail.runner_up);
  if (next) lines.push(say(topic ? "runner_up" : "nearest_cluster", { name: next.label, value: cosine("runner_up_similarity") }));
  if (lines.length) addText(card, say(topic ? "why_this_cluster" : "why_no_cluster"), lines.join("\n"));
}

function documentItem(corpus, index, after) {
  const link = make("a", "", corpus.ids[index]);
  link.href = "#map";
  link.dataset.doc = index;
  return make("li", "", link, " ", make("bdi", "", corpus.title(index)), after ? make("span", "muted", ` ${after}`) : null);
}

function addNear(card, corpus, near) {
  const items = near.map(([other, cosine]) => documentItem(corpus, other, cosine.toFixed(2)));
  card.append(make("h4", "", say("nearest")), make("ul", "exemplars", ...items));
}

/** The other publications of the family; where one point of the map stands for all of them, it says so. */
function addFamily(card, corpus, index) {
  const others = corpus.family(index);
  if (!others.length) return;
  card.append(make("h4", "", say("family_members")));
  const together = others.every((other) => corpus.x[other] === corpus.x[index] && corpus.y[other] === corpus.y[index]);
  if (together && corpus.x[index] !== NOWHERE) card.append(make("p", "muted", say("family_point", { n: others.length + 1 })));
  card.append(make("ul", "exemplars", ...others.slice(0, MOST_RESULTS).map((other) => documentItem(corpus, other, corpus.years[other]))));
}

function factList(corpus, index, detail, inventors) {
  const facts = make("dl", "");
  addFact(facts, say("assignee"), corpus.owners(index));
  addFact(facts, say("inventors"), inventors);
  addFact(facts, say("published"), detail.publication);
  addFact(facts, say("filed"), detail.filing);
  addFact(facts, say("priority"), detail.priority);
  addFact(facts, "IPC", detail.ipc);
  addFact(facts, "CPC", detail.cpc);
  addFact(facts, say("family"), detail.family);
  addFact(facts, say("language"), detail.language);
  addFact(facts, say("source"), detail.source);
  linkToOriginal(facts.lastElementChild, detail.source);
  if (corpus.clusters[index] > NOISE) {
    addFact(facts, say("membership"), say("of_one", { value: corpus.figure("probability", index) }));
    addFact(facts, say("silhouette"), corpus.figure("silhouette", index));
  }
  if (detail.outlier !== null) addFact(facts, say("outlier"), say("of_one", { value: (detail.outlier / 1000).toFixed(2) }));
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
    resultButton(corpus.swatch(topic.id), topic.label, say("cluster_members", { n: topic.size }), () => actions.cluster(topic.id)));
  const documents = found.documents.slice(0, MOST_RESULTS).map((index) =>
    resultButton(corpus.swatch(corpus.clusters[index]), corpus.title(index),
      [corpus.ids[index], corpus.owners(index), corpus.years[index]].filter(Boolean).join(" · "), () => actions.open(index)));
  list.replaceChildren(...topics, ...documents);
}

function foundText(found) {
  const documents = say("n_documents", { n: found.documents.length });
  const first = found.documents.length > MOST_RESULTS ? ` ${say("first_below", { n: MOST_RESULTS })}` : "";
  return say("and", { a: documents + first, b: say("n_clusters", { n: found.topics.length }) });
}
