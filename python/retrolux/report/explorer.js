// A control was moved: show the run that has its new setting and differs least in the others, and move those along.
if (runs.busy) return
runs.busy = true
const key = (control) => (control.active === undefined ? "value" : "active")
const wanted = controls.map((control) => control[key(control)])
const moved = controls.indexOf(cb_obj)
let best = null
let least = Infinity
for (const run of runs) {
  if (run.at[moved] !== wanted[moved]) continue
  const distance = run.at.reduce((sum, index, i) => sum + Math.abs(index - wanted[i]), 0)
  if (distance < least) {
    best = run
    least = distance
  }
}
controls.forEach((control, i) => {
  control[key(control)] = best.at[i]
})
source.data = { epoch: epochs, mean: best.mean, least: best.least, most: best.most }
readout.text = best.text
runs.busy = false
