// Emoji by their names, as far as senders of alerts and people on call use them; other names stay text.

import { make } from "./nodes.js";

const TABLE = `
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ check ✔️ x ❌ negative_squared_cross_mark ❎
heavy_multiplication_x ✖️ warning ⚠️ rotating_light 🚨 fire 🔥 boom 💥 collision 💥 bangbang ‼️ exclamation ❗
heavy_exclamation_mark ❗ grey_exclamation ❕ question ❓ grey_question ❔ interrobang ⁉️ no_entry ⛔ no_entry_sign 🚫
octagonal_sign 🛑 stop_sign 🛑 construction 🚧 sos 🆘 ok 🆗 new 🆕 up 🆙 cool 🆒 free 🆓 recycle ♻️ radioactive_sign ☢️
biohazard_sign ☣️ zap ⚡ high_voltage ⚡ skull 💀 skull_and_crossbones ☠️ ghost 👻 bomb 💣 ambulance 🚑
fire_engine 🚒 helmet_with_white_cross ⛑️ fire_extinguisher 🧯 hospital 🏥 pill 💊 syringe 💉 adhesive_bandage 🩹
stethoscope 🩺 red_circle 🔴 large_red_circle 🔴 large_orange_circle 🟠 orange_circle 🟠 large_yellow_circle 🟡
yellow_circle 🟡 large_green_circle 🟢 green_circle 🟢 large_blue_circle 🔵 blue_circle 🔵 large_purple_circle 🟣
large_brown_circle 🟤 white_circle ⚪ black_circle ⚫ large_red_square 🟥 large_orange_square 🟧
large_yellow_square 🟨 large_green_square 🟩 large_blue_square 🟦 white_large_square ⬜ black_large_square ⬛
large_orange_diamond 🔶 large_blue_diamond 🔷 small_orange_diamond 🔸 small_blue_diamond 🔹 small_red_triangle 🔺
small_red_triangle_down 🔻 radio_button 🔘 eyes 👀 eye 👁️ mag 🔍 mag_right 🔎 microscope 🔬 telescope 🔭 bell 🔔
no_bell 🔕 mute 🔇 loudspeaker 📢 mega 📣 siren 🚨 speech_balloon 💬 thought_balloon 💭 rocket 🚀 ship 🚢 whale 🐳
whale2 🐋 penguin 🐧 snake 🐍 bug 🐛 beetle 🐞 ladybug 🐞 package 📦 inbox_tray 📥 outbox_tray 📤 file_cabinet 🗄️
card_file_box 🗃️ floppy_disk 💾 cd 💿 minidisc 💽 computer 💻 desktop_computer 🖥️ keyboard ⌨️ printer 🖨️
electric_plug 🔌 battery 🔋 satellite 🛰️ satellite_antenna 📡 globe_with_meridians 🌐 link 🔗 paperclip 📎
chains ⛓️ lock 🔒 unlock 🔓 closed_lock_with_key 🔐 key 🔑 shield 🛡️ gear ⚙️ wrench 🔧 hammer 🔨
hammer_and_wrench 🛠️ nut_and_bolt 🔩 toolbox 🧰 broom 🧹 wastebasket 🗑️ hourglass ⌛ hourglass_flowing_sand ⏳
stopwatch ⏱️ timer_clock ⏲️ alarm_clock ⏰ clock1 🕐 clock3 🕒 clock12 🕛 calendar 📆 date 📅 spiral_calendar_pad 🗓️
arrows_counterclockwise 🔄 arrows_clockwise 🔃 repeat 🔁 leftwards_arrow_with_hook ↩️ arrow_right ➡️ arrow_left ⬅️
arrow_up ⬆️ arrow_down ⬇️ arrow_upper_right ↗️ arrow_lower_right ↘️ arrow_forward ▶️ rewind ⏪ fast_forward ⏩
double_vertical_bar ⏸️ pause_button ⏸️ black_square_for_stop ⏹️ small_airplane 🛩️ heavy_plus_sign ➕
heavy_minus_sign ➖ chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 thermometer 🌡️
clipboard 📋 memo 📝 pencil 📝 pencil2 ✏️ page_facing_up 📄 scroll 📜 book 📖 books 📚 bookmark 🔖 label 🏷️ pushpin 📌
round_pushpin 📍 triangular_flag_on_post 🚩 checkered_flag 🏁 information_source ℹ️ bulb 💡 email 📧 envelope ✉️
incoming_envelope 📨 phone ☎️ telephone_receiver 📞 pager 📟 iphone 📱 moneybag 💰 credit_card 💳 shopping_trolley 🛒
house 🏠 factory 🏭 office 🏢 cloud ☁️ sunny ☀️ rainbow 🌈 snowflake ❄️ ice_cube 🧊 droplet 💧 ocean 🌊 dash 💨
tornado 🌪️ volcano 🌋 seedling 🌱 deciduous_tree 🌳 coffee ☕ beer 🍺 beers 🍻 pizza 🍕 cake 🍰 tada 🎉
confetti_ball 🎊 sparkles ✨ star ⭐ star2 🌟 trophy 🏆 medal 🏅 dart 🎯 robot_face 🤖 brain 🧠 heart ❤️
green_heart 💚 yellow_heart 💛 blue_heart 💙 broken_heart 💔 100 💯 +1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 ok_hand 👌
wave 👋 clap 👏 pray 🙏 muscle 💪 raised_hands 🙌 raised_hand ✋ hand ✋ point_right 👉 point_left 👈 point_up ☝️
point_down 👇 crossed_fingers 🤞 fingers_crossed 🤞 handshake 🤝 v ✌️ facepalm 🤦 shrug 🤷 female-technologist 👩‍💻
male-technologist 👨‍💻 male-firefighter 👨‍🚒 female-firefighter 👩‍🚒 smile 😄 slightly_smiling_face 🙂 grin 😁
joy 😂 wink 😉 thinking_face 🤔 neutral_face 😐 confused 😕 worried 😟 cry 😢 sob 😭 scream 😱 sweat 😓
sweat_smile 😅 tired_face 😫 sleeping 😴 zzz 💤 rage 😡 exploding_head 🤯 face_with_thermometer 🤒
face_with_head_bandage 🤕 nauseated_face 🤢 sunglasses 😎 nerd_face 🤓 cop 👮 male-police-officer 👮‍♂️ bust_in_silhouette 👤
busts_in_silhouette 👥 one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ a 🅰️ b 🅱️ de 🇩🇪 us 🇺🇸 gb 🇬🇧 eu 🇪🇺
`;

const BY_NAME = new Map();
for (const [, name, sign] of TABLE.matchAll(/(\S+)\s+(\S+)/g)) {
  BY_NAME.set(name, sign);
}

const TONED = /^[👍👎👌👋👏🙏💪🙌✋👉👈☝👇🤞✌🤦🤷👮]/u;
const NAMED = /:([a-z0-9_+'-]{1,100}):(?::skin-tone-([2-6]):)?/g;

/** Return the sign of a name (``fire``), or an empty text; ``tone`` is 2 to 6, as Slack counts skin tones. */
export function emojiSign(name, tone) {
  const sign = BY_NAME.get(name) ?? "";
  const toned = sign && tone >= 2 && tone <= 6 && TONED.test(sign);
  return toned ? sign.replace(/^(.)\uFE0F?/u, `$1${String.fromCodePoint(0x1f3f9 + Number(tone))}`) : sign;
}

/** Make the node of an emoji whose sign is known. */
export function emojiNode(name, sign) {
  return make("span", { class: "bk-emoji", title: `:${name}:` }, sign);
}

/** Return the pieces of a text with its named emoji shown; ``piece`` makes what stands between of a text. */
export function withEmoji(text, piece = (plain) => plain) {
  const pieces = [];
  let from = 0;
  NAMED.lastIndex = 0;
  for (let found = NAMED.exec(text); found; found = NAMED.exec(text)) {
    const sign = emojiSign(found[1], Number(found[2]));
    if (!sign) {
      // The second colon may begin the next name: 10:41:fire:
      NAMED.lastIndex = found.index + found[1].length + 1;
      continue;
    }
    pieces.push(piece(text.slice(from, found.index)), emojiNode(found[1], sign));
    from = NAMED.lastIndex;
  }
  pieces.push(piece(text.slice(from)));
  return pieces.flat();
}
