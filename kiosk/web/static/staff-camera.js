// Codes from pictures, loaded on tap: the browser's own detector where it has one, else the kiosk reads what the camera sees.
import { send } from "/static/staff.js";
const EDGE = 1280, PAUSE_MS = 150;
const canvas = document.createElement("canvas");
function jpeg(source, width, height) {
  const scale = Math.min(1, EDGE / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((next) => canvas.toBlob(next, "image/jpeg", 0.85));
}
const read = async (blob) => (await send("/staff/read", blob)).text;
export async function photo(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return read(file); // not a picture that this browser knows: the kiosk says what is wrong with it
  const blob = await jpeg(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return read(blob);
}
// A phone without its maker's services has the detector's name and none of its formats.
async function detector() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  return formats.includes("qr_code") ? new BarcodeDetector({ formats: formats.filter((f) => ["qr_code", "code_128"].includes(f)) }) : null;
}
export async function watch(video, alive) {
  const own = await detector();
  while (alive()) {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      const text = own
        ? (await own.detect(video).catch(() => []))[0]?.rawValue
        : await read(await jpeg(video, video.videoWidth, video.videoHeight));
      if (text) return text;
    }
    await new Promise((next) => setTimeout(next, PAUSE_MS));
  }
  return "";
}
