// Filters the claims by layer and status. Without scripts, all are shown.
const form = document.querySelector(".filter"), rows = [...document.querySelectorAll(".claims tbody tr")];
form.hidden = false;
const apply = () => {
  const { layer, status } = form.elements;
  for (const row of rows) {
    row.hidden = (layer.value && row.dataset.layer !== layer.value) || (status.value && row.dataset.status !== status.value);
  }
  form.querySelector("output").textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length + " claims";
};
form.addEventListener("change", apply);
apply();
