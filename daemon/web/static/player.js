// The page of one call: a time in the transcript plays the recording from there.

const player = document.getElementById("player");
const moments = [...document.querySelectorAll("button.moment")];
const turns = moments
  .map((button) => ({ at: Number(button.dataset.ms), item: button.closest(".turn") }))
  .filter((turn) => turn.item);

for (const button of moments) {
  button.addEventListener("click", () => {
    player.currentTime = Number(button.dataset.ms) / 1000;
    player.play();
  });
}

player?.addEventListener("timeupdate", () => {
  const ms = player.currentTime * 1000;
  const now = player.paused ? undefined : turns.findLast((turn) => turn.at <= ms);
  for (const turn of turns) turn.item.classList.toggle("now", turn === now);
});
