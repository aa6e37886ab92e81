//! Swedish: mail.

use crate::{
    notify::{
        notification::{NotificationKind, Topic},
        template::Sources,
    },
    record::extras::Purpose,
};

/// Words for sources.
pub(crate) const SOURCES: Sources = Sources {
    uid: "datorn själv, användarnummer",
    tty: "datorn själv, terminal",
    unknown: "okänt",
};

/// The end of every mail.
pub(crate) const CLOSING: &str = "
-- 
twinlock på {host}. Vi frågar aldrig efter koder eller lösenord i
e-post, och ingen annan får göra det. Svara inte på det här brevet.
";

/// Returns subject and body.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn say(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Event(NotificationKind::BackupCodeUsed) => (
            "En reservkod har använts för {user} på {host}",
            "\
Hej {user}!

En av dina reservkoder har använts för att logga in. Den är nu
förbrukad.

    När:         {time}
    Var:         {service} på {host}
    Varifrån:    {source}
    Koder kvar:  {left}

Var det du? Då behöver du inte göra något.

Var det inte du? Då har någon ditt lösenord eller din SSH-nyckel och
dessutom en av dina reservkoder. Ring genast din administratör, som kan
spärra alla dina koder (twinlock reset), och byt lösenord och
SSH-nyckel.
",
        ),
        Topic::Event(NotificationKind::FewCodesLeft) => (
            "Få reservkoder kvar för {user} på {host}",
            "\
Hej {user}!

Dina reservkoder börjar ta slut. Utan reservkoder kan du inte logga in
om du blir av med telefonen.

    Koder kvar:  {left}
    När:         {time}
    Var:         {service} på {host}
    Varifrån:    {source}

Skaffa nya medan du har telefonen till hands: logga in på {host},
skriv ? där en kod efterfrågas, och sedan 4.

De gamla slutar då att gälla.

Är det inte du som har använt de andra? Ring genast din administratör,
som kan spärra alla dina koder (twinlock reset).
",
        ),
        Topic::Event(NotificationKind::SetUpDone) => (
            "Tvåstegsverifiering är på för {user} på {host}",
            "\
Hej {user}!

Tvåstegsverifiering är nu aktiverad för dig. Från och med nu behöver du
en kod från din autentiseringsapp när du loggar in.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Var det du, eller väntade du dig det? Då behöver du inte göra något.
Förvara dina reservkoder på ett säkert ställe, inte i en dator.

Var det inte du? Då har någon annan en app som visar dina koder. Ring
genast din administratör, som kan spärra den (twinlock reset).
",
        ),
        Topic::Event(NotificationKind::KeyChanged) => (
            "Din autentiseringsapp har ändrats: {user} på {host}",
            "\
Hej {user}!

En av dina autentiseringsappar har bytts ut, lagts till eller tagits
bort.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Var det du, eller väntade du dig det? Då behöver du inte göra något.

Var det inte du? Då kan någon annan ha en app som visar dina koder.
Ring genast din administratör, som kan spärra den (twinlock reset), och
byt lösenord och SSH-nyckel.
",
        ),
        Topic::Event(NotificationKind::CodesRenewed) => (
            "Nya reservkoder för {user} på {host}",
            "\
Hej {user}!

Du har fått nya reservkoder. De gamla gäller inte längre, så kasta dem.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Var det du, eller väntade du dig det? Då behöver du inte göra något.
Om någon annan har gjort dem visas de nästa gång du loggar in.

Var det inte du? Då kan någon annan ha dina reservkoder. Ring genast
din administratör, som kan spärra dem (twinlock reset), och byt
lösenord och SSH-nyckel.
",
        ),
        Topic::Event(NotificationKind::Reset) => (
            "Tvåstegsverifiering har återställts: {user} på {host}",
            "\
Hej {user}!

Din tvåstegsverifiering har återställts. Din autentiseringsapp och dina
reservkoder gäller inte längre.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Du aktiverar den på nytt nästa gång du loggar in. Om du behöver en
engångsbiljett för det kommer den i ett eget brev, eller från {by}.

Väntade du dig inte detta? Fråga {by}, personligen eller på ett
telefonnummer som du känner till.
",
        ),
        Topic::Event(NotificationKind::Guessed) => (
            "Felaktiga koder har skrivits för {user} på {host}",
            "\
Hej {user}!

Någon har kommit förbi ditt lösenord eller din SSH-nyckel och sedan
skrivit felaktiga koder. Koderna släppte inte in någon.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}

Var det du? Då behöver du inte göra något. Om rätt koder inte godtas,
kontrollera att telefonens klocka ställs efter nätet.

Var det inte du? Då har någon ditt lösenord eller din SSH-nyckel. Byt
båda, och ring din administratör. Dina koder är fortfarande dina.
",
        ),
        Topic::Event(NotificationKind::BypassGiven) => (
            "En tillfällig kod har lämnats ut för {user} på {host}",
            "\
Hej {user}!

Någon har fått nio siffror som under en kort tid ersätter koden från
din autentiseringsapp. Ditt lösenord eller din SSH-nyckel behövs ändå.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Har du bett om det? Då behöver du inte göra något.

Har du inte bett om det? Ring genast {by} på ett telefonnummer som du
känner till, och byt lösenord och SSH-nyckel.
",
        ),
        Topic::Event(NotificationKind::KeyShown) => (
            "Din nyckel har visats för {by}: {user} på {host}",
            "\
Hej {user}!

Den hemliga nyckeln i din autentiseringsapp har visats för någon annan.
Den som har sett den kan ta fram dina koder.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Nästa gång du loggar in blir du ombedd att byta den. Gör det då.

Väntade du dig inte detta? Fråga {by}, personligen eller på ett
telefonnummer som du känner till.
",
        ),
        Topic::Event(NotificationKind::KeyExported) => (
            "Din nyckel har exporterats av {by}: {user} på {host}",
            "\
Hej {user}!

Din post, med den hemliga nyckeln i din autentiseringsapp, har
exporterats. Den är avsedd för en annan dator som du loggar in på, men
den som har exporten kan ta fram dina koder.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Nästa gång du loggar in kan du bli ombedd att byta nyckeln. Gör det då.

Väntade du dig inte detta? Fråga {by}, personligen eller på ett
telefonnummer som du känner till.
",
        ),
        Topic::Event(NotificationKind::RecordImported) => (
            "Din tvåstegsverifiering har importerats: {user} på {host}",
            "\
Hej {user}!

En post om din tvåstegsverifiering har förts över till {host}
från en annan dator. Nu avgör den hur du loggar in här: dess
autentiseringsapp, dess reservkoder, eller att du ska aktivera
tvåstegsverifiering på nytt.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Om dina koder inte godtas, använd appen som du aktiverade på den andra
datorn.

Väntade du dig inte detta? Fråga {by}, personligen eller på ett
telefonnummer som du känner till.
",
        ),
        Topic::Event(NotificationKind::MailChanged) => (
            "Brev till {user} på {host} går till en annan adress",
            "\
Hej {user}!

Brev om din tvåstegsverifiering på {host} går från och med nu
till en annan adress. Det här är det sista till den här adressen.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Har du bett om det? Då behöver du inte göra något.

Har du inte bett om det? Då kan någon annan få den engångsbiljett som är
avsedd för dig. Ring genast din administratör på ett telefonnummer som
du känner till.
",
        ),
        Topic::Event(NotificationKind::Removed) => (
            "Tvåstegsverifieringen har avslutats för {user} på {host}",
            "\
Hej {user}!

Din tvåstegsverifiering har avslutats. Din autentiseringsapp och dina
reservkoder gäller inte längre på {host}.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Väntade du dig inte detta? Fråga {by}, personligen eller på ett
telefonnummer som du känner till.
",
        ),
        Topic::Event(NotificationKind::Unlocked) => (
            "Felaktiga koder har glömts för {user} på {host}",
            "\
Hej {user}!

De felaktiga koder som har skrivits för dig har glömts. Du kan logga in
igen genast, och fler koder kan prövas.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}
    Av:        {by}

Har du bett om det? Då behöver du inte göra något.

Har du inte bett om det? Då kan någon försöka gissa dina koder. Ring din
administratör, och byt lösenord och SSH-nyckel.
",
        ),
        Topic::Event(NotificationKind::BreakGlass) => (
            "Nödåtkomst har använts på {host} (till {user})",
            "\
Hej!

twinlock har använts utan någon verifieringskod från den som handlade
(--break-glass). Loggen på {host} har skälet som angavs.

    När:       {time}
    Vad:       {service}
    Varifrån:  {source}
    Av:        {by}

Var det inte avtalat? Då har någon med roots rättigheter ändrat
användares tvåstegsverifiering. Se loggen: journalctl -t twinlock
",
        ),
        Topic::Event(NotificationKind::Resynchronized) => (
            "Din autentiseringsapp har synkroniserats om: {user} på {host}",
            "\
Hej {user}!

Två koder i rad som var för gamla eller för nya för en inloggning har
skrivits vid en inloggning och godtagits. Från och med nu väntar sig
{host} dina koder i den takten.

    När:       {time}
    Var:       {service} på {host}
    Varifrån:  {source}

Var det du? Då behöver du bara se till att telefonens klocka ställs
efter nätet.

Var det inte du? Då har någon ditt lösenord eller din SSH-nyckel, och
har sett koder från din app. Ring genast din administratör, som kan
spärra dem (twinlock reset), och byt lösenord och SSH-nyckel. Tills
dess kan dina egna koder nekas: skriv två i rad.
",
        ),
        Topic::Event(NotificationKind::TicketExpired) | Topic::Ticket(Purpose::SetUp) => (
            "Aktivera tvåstegsverifiering för {user} på {host}",
            "\
Hej {user}!

{by} ber dig att aktivera tvåstegsverifiering på {host}. Det tar
ungefär två minuter. Du behöver en autentiseringsapp: i telefonen Aegis,
2FAS eller Google Authenticator, i datorn KeePassXC, i båda Bitwarden,
eller någon annan app för tidsbaserade koder.

  1. Logga in med: ssh {user}@{host}

  2. När du blir ombedd, skriv den här engångsbiljetten:

         {ticket}

  3. Följ anvisningarna på skärmen.

Biljetten gäller en gång, till {until}. Utan ditt
lösenord eller din SSH-nyckel är den till ingen nytta; håll den för dig
själv ändå.

Väntade du dig inte detta? Använd den inte, och säg till {by},
personligen eller på ett telefonnummer som du känner till.
",
        ),
        Topic::Ticket(Purpose::Codes) => (
            "Hämta dina nya reservkoder: {user} på {host}",
            "\
Hej {user}!

{by} har spärrat dina gamla reservkoder på {host}.
Med den här engångsbiljetten får du nya.

  1. Logga in med: ssh {user}@{host}

  2. När du blir ombedd, skriv biljetten:

         {ticket}

  3. Skriv upp de nya koderna och förvara dem på ett säkert ställe,
     inte i en dator.

Biljetten gäller en gång, till {until}. Utan ditt
lösenord eller din SSH-nyckel är den till ingen nytta; håll den för dig
själv ändå.

Väntade du dig inte detta? Använd den inte, och säg till {by},
personligen eller på ett telefonnummer som du känner till.
",
        ),
    }
}
